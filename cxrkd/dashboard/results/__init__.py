"""What only the Results page shows."""
