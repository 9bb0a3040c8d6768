"""Vision networks: which there are, their weights, and the activations of all layers in one pass."""
