"""Activations as centred Gram matrices, one a layer, and their spectra."""
