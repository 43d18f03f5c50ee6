"""Bytes of a file -> one grey radiograph, or one sentence that says why not."""
