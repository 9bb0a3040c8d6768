"""Representational similarity: measures, ceilings, intervals, and the role of sessions."""

CATEGORY = "category"  # stands for a network in tables, in the rows of RDMs that are made of labels
