"""What members cost and how fast they are, for Efficiency and for the tiles of other pages."""
