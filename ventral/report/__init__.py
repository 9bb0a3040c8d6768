"""The report of a study: one page that contains all it shows."""
