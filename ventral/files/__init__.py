"""How everything is read and written: whole files or none, one-line errors, progress."""
