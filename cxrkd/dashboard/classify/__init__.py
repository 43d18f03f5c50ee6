"""What only the Classify page shows."""
