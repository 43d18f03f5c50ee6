"""How a student learns from labels and from a teacher: losses, objectives, and what a training minimises."""
