"""Recordings and stimuli: from the files of each source to `images/{dataset}.h5` and `responses/{dataset}.nc`."""
