"""Readouts: what maps features of a network to the rates of neuroids."""
