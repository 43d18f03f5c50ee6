"""The objectives, one file each. They are found through `cxrkd.config.OBJECTIVES`."""
