"""Recordings and stimuli: every source in, `images/{dataset}.h5` and `responses/{dataset}.nc` out."""
