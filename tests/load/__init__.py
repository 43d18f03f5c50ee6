"""Many visitors at once against a real server, without a browser: `python -m tests.load --help`. Not run by pytest."""
