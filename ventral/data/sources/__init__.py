"""Kinds of recordings, one module each; the name of the module is the `kind` of a dataset in the config."""
