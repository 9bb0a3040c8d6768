"""Representational similarity: measures, ceilings, intervals, and what sessions have to do with it."""

CATEGORY = "category"  # what RDMs that labels alone predict are compared as, which is no network's name
