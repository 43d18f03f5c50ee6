"""What goes into every ZIP as it stands: it imports nothing of this program."""
