"""Readouts map the features of a network to the rates of neuroids; each kind is one module (see `contract`)."""
