"""What the page *On device* shows."""
