"""Xiao et al. 2024, free viewing."""
