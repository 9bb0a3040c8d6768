"""Cowley et al. 2023: the published images and spike counts of V4."""
