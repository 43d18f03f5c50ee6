"""The Audit page: what an audit shows, and the cells behind it."""
