"""Reading the user's own recordings (kind `files`)."""
