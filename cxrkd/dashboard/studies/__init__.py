"""Parts of the Studies page."""
