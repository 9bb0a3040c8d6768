"""Networks that the study itself trains to detect faces."""
