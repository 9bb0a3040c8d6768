"""Encoders in folders of their own: kept, read again, applied to other images."""
