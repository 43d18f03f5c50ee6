"""An audit: where the networks of a run look, film after film, and whether that is where they should."""
