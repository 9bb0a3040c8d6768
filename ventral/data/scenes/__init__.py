"""Simulated images of objects."""
