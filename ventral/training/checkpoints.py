"""The state of a training after each epoch, on disk, from which a killed run goes on."""

import os
import sys
from pathlib import Path
from typing import Any

import torch

from ventral.files.atomic import enduring, reading, writing

FILE = "checkpoint.pt"


def write_checkpoint(folder: str | Path, identity: str, state: dict[str, Any]) -> None:
    """Write tensors, numbers and text, in dicts and lists, with the identity of the training that they belong to."""
    with writing(Path(folder) / FILE, sealed=True) as temporary, enduring(temporary) as file:
        torch.save({"identity": identity, "state": state}, file)


def read_checkpoint(folder: str | Path, identity: str) -> dict[str, Any] | None:
    """The state of the training with this identity; None if there is none.

    A checkpoint of another training, or a damaged one, is set aside as `checkpoint.old.pt`; stderr says so.
    """
    path = Path(folder) / FILE
    if not path.exists():
        return None
    try:
        with reading(path):
            found = torch.load(path, map_location="cpu", weights_only=True)
        if found["identity"] == identity:
            return found["state"]
        why = "of another configuration, data or initial weights"
    except Exception:  # unpickling a damaged file can raise nearly any exception
        why = "damaged"
    aside = path.with_suffix(".old.pt")
    os.replace(path, aside)
    print(f"{path}: {why}; set aside as {aside.name}, training starts afresh", file=sys.stderr)
    return None
