"""Check that a network gives an image the same features in every pass, in every batch, and when it is built again.

Otherwise its scores are those of one random draw, and an encoder kept on it predicts other rates each time.
"""

from collections.abc import Mapping, Sequence

from torch import Tensor, nn

from ventral.files.errors import InputError
from ventral.networks.layers import running
from ventral.networks.recording import Records, record
from ventral.networks.zoo import Network

Features = Mapping[str, Tensor]  # (2, p) of two images, by record

# Tolerances for rounding, as shares of the difference between two images and of the features themselves. A second pass
# is rounded in the same way; another batch may be computed in another order.
SAME_PASS = (1e-3, 1e-5)
OTHER_BATCH = {"float32": (1e-2, 1e-4), "tf32": (2e-2, 4e-3), "bfloat16": (5e-2, 3e-2)}


def check_steady(network: Network, records: Records, images: Tensor, precision: str = "float32") -> None:
    """Run a network over a few images twice in one batch, and once in another batch; compare the features.

    Args:
        network: on the device of the images.
        records: from `find_records`.
        images: (b, 3, H, W) prepared images, three or more that differ.
        precision: of the network, as the caller runs it.

    Raises:
        InputError: naming the first layer with different features for one image, and what to do.
    """
    field, batch = f"networks.{network.name}", OTHER_BATCH[precision]
    seen = _features(network.model, records, images, (0, -1), field)
    again = _features(network.model, records, images, (0, -1), field)
    if layer := _differing(seen, again, SAME_PASS):
        problem = f"features of an image are not the same from pass to pass (layer {layer})"
        remedy = "draw nothing at random in evaluation: F.dropout needs training=self.training, and noise the same"
        raise InputError("config", field, problem, remedy)
    turned = _features(network.model, records, images[[-1, 0]], (1, 0), field)
    if layer := _differing(seen, turned, batch):
        problem = f"features of an image differ with the other images of its batch (layer {layer})"
        raise InputError("config", field, problem, "normalise by running statistics, or within an image")


def check_anew(network: Network, records: Records, images: Tensor, again: nn.Module, precision: str) -> None:
    """Compare a network with one that the same code built from another seed and that got the first one's state dict.

    Args:
        again: the other, on the device of the images; its state is replaced.
        network, records, images, precision: as for `check_steady`.

    Raises:
        InputError: if the features depend on something that is not in the state dict.
    """
    field = f"networks.{network.name}"
    remedy = "register what is drawn at random as parameters or buffers"
    try:
        again.load_state_dict(network.model.state_dict())
    except Exception as error:  # of code that is not ours
        problem = f"another seed makes another network, which its state dict does not fit: {error}"
        raise InputError("config", field, problem, remedy) from None
    seen, anew = (_features(model, records, images, (0, -1), field) for model in (network.model, again))
    if layer := _differing(seen, anew, OTHER_BATCH[precision]):
        problem = f"features depend on a seed that is not in its state dict (layer {layer})"
        raise InputError("config", field, problem, remedy)


def _features(model: nn.Module, records: Records, images: Tensor, rows: Sequence[int], field: str) -> Features:
    """The features of two of the images, copied, by record."""
    found: dict[str, Tensor] = {}

    def keep(name: str, features: Tensor) -> None:
        found[name] = features[list(rows)].float()

    with running(field, images):
        record(model, records, images, keep)
    return found


def _differing(one: Features, other: Features, tolerance: tuple[float, float]) -> str:
    """The first record whose features of an image differ by more than rounding; empty if none."""
    of_spread, of_norm = tolerance
    for name in (name for name in one if name in other):
        deviation, size = (other[name] - one[name]).norm(dim=1), one[name].norm(dim=1)
        spread = (one[name][0] - one[name][1]).norm()
        if bool((deviation > of_spread * spread + of_norm * size).any()):
            return name
    return ""
