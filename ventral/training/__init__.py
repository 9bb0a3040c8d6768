"""Encoders trained by gradient on the neurons themselves."""
