"""Your own recordings."""
