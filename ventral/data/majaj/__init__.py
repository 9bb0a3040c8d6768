"""Majaj & Hong 2015."""
