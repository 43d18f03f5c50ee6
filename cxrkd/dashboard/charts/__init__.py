"""Data -> plotly figure, as pure functions; nothing here knows Streamlit."""
