"""Where the weights of a network come from: a seed, or a file that is checked before it is used."""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor, nn

from ventral.errors import InputError, listed


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Draw from torch's random numbers as after `manual_seed(seed)`, and leave its state as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


def read_state(path: Path) -> dict[str, Tensor]:
    """Read a state dict, unwrapping `state_dict` and the `module.` prefix that parallel training adds.

    Raises:
        InputError: if the file is missing, damaged, holds anything but tensors, or is not a state dict.
    """
    try:
        # weights_only: unpickling anything else from a stranger's file would run the stranger's code.
        state = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise InputError(path, "weights", "no such file", "correct the path in the config") from None
    except Exception:  # unpickling meets damage with nearly any exception
        raise InputError(
            path, "weights", "not a readable state dict", "save it with torch.save(model.state_dict(), path)"
        ) from None
    state = state.get("state_dict", state) if isinstance(state, Mapping) else state
    if not isinstance(state, Mapping) or not all(isinstance(value, Tensor) for value in state.values()):
        raise InputError(path, "weights", "not a state dict", "save it with torch.save(model.state_dict(), path)")
    return {str(name).removeprefix("module."): value for name, value in state.items()}


def load_state(model: nn.Module, path: Path) -> None:
    """Load a state dict into a model that it fits exactly.

    Raises:
        InputError: naming the first parameters that are missing, left over or of another shape.
    """
    state, own = read_state(path), model.state_dict()
    faults = {
        "misses": [name for name in own if name not in state],
        "has the unknown": [name for name in state if name not in own],
        "has another shape for": [name for name in own if name in state and own[name].shape != state[name].shape],
    }
    for what, names in faults.items():
        if names:
            raise InputError(
                path,
                "weights",
                f"of another architecture: {what} {listed(names, 3)}",
                "name the architecture that the file was saved from",
            )
    model.load_state_dict(state)


def fingerprint(model: nn.Module) -> str:
    """sha256 over the names and values of all parameters and buffers."""
    digest = hashlib.sha256()
    for name, value in model.state_dict().items():
        digest.update(name.encode())
        digest.update(value.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
