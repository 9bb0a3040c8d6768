"""Vision networks: what exists, where weights come from, and the activations of every layer in one pass."""
