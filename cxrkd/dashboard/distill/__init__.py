"""What only the Distil page shows."""
