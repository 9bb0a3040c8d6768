"""Drawing simulated images of objects."""
