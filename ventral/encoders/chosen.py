"""The predictions of an encoder by the layers that were chosen for it."""

import numpy as np
import xarray as xr
from numpy.typing import NDArray


def chosen_predictions(predictions: xr.Dataset, repeat: int = 0) -> NDArray[np.floating]:
    """(stimulus, neuroid) predictions of one split, each neuroid's by the layer chosen for it.

    Args:
        predictions: as `predictions/{dataset}/{protocol}/{encoder}.nc`.
        repeat: index of the split.
    """
    one = predictions.isel(repeat=repeat)
    of = np.argmax(one["layer"].values[:, None] == one["chosen_layer"].values, axis=0)
    return one["prediction"].transpose("stimulus", "layer", "neuroid").values[:, of, np.arange(len(of))]
