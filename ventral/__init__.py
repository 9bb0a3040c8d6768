"""Which models of vision predict the neurons of the ventral stream, and how far is each from the noise ceiling?"""

__version__ = "0.1.0"
