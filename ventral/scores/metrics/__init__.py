"""The metrics: one file each, whose `METRIC` says everything about it. `ventral.scores.catalogue` finds them."""
