"""What a study would download that is not there yet: from where, and how many bytes."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ventral.data.kriegeskorte import PACKAGE
from ventral.data.majaj.files import PUBLISHED, addresses
from ventral.data.xiao.dandi import DANDI_API, OSF_LISTING
from ventral.data.xiao.dandi import TABLES as XIAO_TABLES
from ventral.data.xiao.sessions import choose_sessions, left_to_download, read_sessions
from ventral.networks.published import address_of, origin, weights_key

PACKAGE_BYTES = 95_000_000
HYBRID = ("swin_t", "resnet50")


@dataclass(frozen=True)
class Download:
    """Something to fetch: its addresses, best first, and its bytes, None where only the server can tell.

    `server` says that the first address is that of a service, which tells by itself nothing of the size. A package is
    fetched by pip, and has a `package` in place of addresses.
    """

    what: str
    urls: tuple[str, ...] = ()
    size: int | None = None
    server: bool = False
    package: str = ""


def downloads(config: Mapping[str, Any], catalogue: str | Path, ask: Callable[[str], str]) -> Iterator[Download]:
    """All that a study has yet to download, as its rules would, into `resources` of the folder at hand.

    Args:
        config: complete and without faults.
        catalogue: `config/xiao_sessions.csv`.
        ask: gives the text at an address; some publishers tell a file's size and hash only there.

    Raises:
        InputError: if a session or weights are unknown.
    """
    datasets = config["datasets"]
    if datasets.get("majaj", {}).get("source") == "published":
        for kind, (name, _) in PUBLISHED.items():
            if kind not in datasets["majaj"] and not Path("resources/majaj", name).is_file():
                yield Download(f"majaj, {name}", tuple(addresses(name)))
    if datasets.get("xiao", {}).get("source") == "dandi":
        yield from _of_xiao(datasets["xiao"], catalogue)
    if "kriegeskorte92" in datasets and not Path("resources/kriegeskorte92.mat").is_file():
        yield Download(f"kriegeskorte92, the package {PACKAGE}", size=PACKAGE_BYTES, package=PACKAGE)
    yield from _weights(config, ask)


def _of_xiao(settings: Mapping[str, Any], catalogue: str | Path) -> Iterator[Download]:
    servers, table = settings.get("servers", {}), read_sessions(catalogue)
    left = left_to_download(table, choose_sessions(table, settings["sessions"]), "resources/xiao/000628")
    if left:
        n = f"{len(left)} files of sessions"
        yield Download(f"xiao, {n}", (servers.get("dandi", DANDI_API),), sum(left.values()), server=True)
    if not Path("resources/xiao/Stimuli").is_dir():
        yield Download("xiao, the stimuli", (servers.get("osf", OSF_LISTING),), server=True)
    if not Path("resources/xiao/db").is_dir():
        yield Download("xiao, the authors' tables", (servers["tables"],) if "tables" in servers else XIAO_TABLES)


def _weights(config: Mapping[str, Any], ask: Callable[[str], str]) -> Iterator[Download]:
    """Weights that lie elsewhere, each file once."""
    wanted = {
        (settings["architecture"], settings["weights"]): settings.get("sha256")
        for settings in config["networks"].values()
        if origin(settings["architecture"], settings["weights"]) in ("publisher", "address")
    }
    if any(entry.get("weights") == "pretrained" for entry in config["trained"].values()):
        wanted |= dict.fromkeys((name, "pretrained") for name in HYBRID)
    for (architecture, weights), sha256 in wanted.items():
        if config["download_weights"] and not Path("resources/weights", weights_key(architecture, weights)).is_file():
            source = address_of(architecture, weights, sha256, ask)
            yield Download(f"weights of {architecture} ({weights})", source.urls, source.size)
