"""Representational similarity: measures, ceilings, intervals, and what sessions have to do with it."""
