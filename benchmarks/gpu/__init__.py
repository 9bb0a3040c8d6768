"""What a GPU must do right, the same twice, and fast, measured in six minutes: `python -m benchmarks.gpu`."""
