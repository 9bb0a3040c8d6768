"""Encoders: the features of a network and a readout, fitted, chosen, checked and kept."""
