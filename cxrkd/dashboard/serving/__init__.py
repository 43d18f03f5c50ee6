"""What stands before Streamlit: the server, its door, and how much of an upload is taken."""
