"""Reading and writing: files that are whole or not there, one-line errors, progress."""
