"""The layers of all networks of a dataset, on the stimuli of its responses."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import xarray as xr

from ventral.files.console import progress
from ventral.gram.file import match_stimuli, read_gram, read_layers
from ventral.gram.matrix import Gram

Models = Iterator[tuple[str, str, Gram]]  # network, layer, its Gram matrix


def pair_layers(responses: xr.Dataset, grams: Sequence[str | Path]) -> tuple[xr.Dataset, Models]:
    """Bring responses and the layers of networks to the same stimuli, in the same order.

    Args:
        responses: as in `responses/{dataset}.nc`.
        grams: files of Gram matrices, one a network; all networks ran over the same images.

    Returns:
        The responses to the m stimuli that have an image; and network, layer and Gram matrix of these, network after
        network, early layers first, each read when it is its turn.

    Raises:
        InputError: as `match_stimuli`.
    """
    layers = [(Path(path), layer) for path in grams for layer in read_layers(path)]
    if not layers:
        return responses, iter(())
    stimuli, images = match_stimuli(layers[0][0], responses["stimulus_id"].values)
    read = ((path.stem, layer, read_gram(path, layer, images)) for path, layer in progress(layers, "layers compared"))
    return responses.isel(stimulus=stimuli), read
