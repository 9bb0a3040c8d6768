"""What a study is: its config, its parts, its paths, and the files that it needs from outside."""
