"""What a study is: its config, its parts, its paths, and what it needs from outside."""
