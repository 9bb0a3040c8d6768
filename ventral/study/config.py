"""Complete a config: check it, fill in its defaults, and write out the copies of networks that it asks for."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ventral.data.kinds import kind_of
from ventral.files.addresses import is_address
from ventral.files.errors import nearest
from ventral.networks.published import weights_fault
from ventral.similarity import CATEGORY
from ventral.study.faults import check_config
from ventral.study.schema import dataset_schema, fill_defaults

NETWORK_PATH_KEYS = ("architecture", "weights")


def complete(config: dict[str, Any]) -> list[str]:
    """Fill in, in place, the keys that a config leaves out, and write out the copies of networks that it asks for.

    Returns:
        Faults of the config, one line each, in the form that `check_config` gives. A config with faults is unusable.
    """
    if faults := check_config(config):
        return faults
    expand_homes(config)
    readouts_are_default = "readouts" not in config
    fill_defaults(config)
    if readouts_are_default:  # drop default readouts that name networks which this study does not have
        config["readouts"] = readouts_for(config["networks"], config["readouts"])
    if faults := find_absent(config):
        return faults
    config["networks"] = with_copies(config["networks"], config["seed"])
    return find_misnamed(config)


def expand_homes(config: Mapping[str, Any]) -> None:
    """Replace, in place, the `~` at the start of paths by the user's home."""
    for _, settings, key in [*_dataset_paths(config), *_network_paths(config)]:
        if str(settings[key]).startswith("~"):
            settings[key] = os.path.expanduser(settings[key])


def _dataset_paths(config: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any], str]]:
    """Find the keys under `datasets` that name files or folders, not addresses: place in the config, settings, key."""
    for name, settings in config["datasets"].items():
        for key, rule in dataset_schema(kind_of(name, settings))["properties"].items():
            takes_path = any(part.get("format") == "path" for part in rule.get("anyOf", [rule]))
            if takes_path and key in settings and not is_address(settings[key]):
                yield f"datasets.{name}.{key}", settings, key


def _network_paths(config: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any], str]]:
    """Find the keys under `networks` that may name a file, not an address: place in the config, settings, key."""
    for name, settings in config.get("networks", {}).items():
        for key in NETWORK_PATH_KEYS:
            if key in settings and not is_address(settings[key]):
                yield f"networks.{name}.{key}", settings, key


def names_of_copies(name: str, settings: Mapping[str, Any]) -> list[str]:
    """Names of the random copies that a network asks for: `NAME_seed1`, `NAME_seed2` and so on."""
    return [f"{name}_seed{i}" for i in range(1, settings.get("copies", 0) + 1)]


def with_copies(networks: Mapping[str, Any], seed: int) -> dict[str, Any]:
    """Add the random copies that networks ask for, each as a network of its own behind its original.

    Args:
        networks: name to settings.
        seed: the study's. The seed of copy i is the network's own seed, or else this one, plus i.
    """
    found: dict[str, Any] = {}
    for name, settings in networks.items():
        # `copies` is dropped, so that asking for more copies reruns no network.
        found[name] = {key: value for key, value in settings.items() if key != "copies"}
        shared = {key: value for key, value in found[name].items() if key not in ("sha256", "keep")}
        for i, copy in enumerate(names_of_copies(name, settings), start=1):
            found[copy] = shared | {"weights": "random", "seed": settings.get("seed", seed) + i}
    return found


def readouts_for(networks: Mapping[str, Any], readouts: Mapping[str, Any]) -> dict[str, Any]:
    """Select the default readouts that name only networks of this study."""
    return {name: readout for name, readout in readouts.items() if set(readout.get("networks", [])) <= set(networks)}


def find_absent(config: Mapping[str, Any]) -> list[str]:
    """Find faults of paths and weights: files that do not exist, weights that nobody publishes, names given twice."""
    networks, paths = config["networks"], list(_dataset_paths(config))
    absent = [
        f"{where}: no such file or folder {settings[key]!r}; correct the path"
        for where, settings, key in paths
        if not Path(settings[key]).exists()
    ]
    absent += [
        f"{where}: {settings[key]!r} has braces, which Snakemake takes for a wildcard; rename the file or folder"
        for where, settings, key in [*paths, *_network_paths(config)]
        if {"{", "}"} & set(settings[key])
    ]
    for name, settings in networks.items():
        architecture, where = settings["architecture"], f"networks.{name}"
        if fault := weights_fault(architecture, settings["weights"], settings.get("sha256")):
            absent.append(f"{where}.weights: {fault}")
        file = architecture.rpartition(":")[0]
        if file.endswith(".py") and not Path(file).is_file():
            absent.append(f"{where}.architecture: no such file {file!r}; correct the path")
        folder = settings.get("python_path")
        if folder is not None and ":" not in architecture:
            absent.append(f"{where}.python_path: is only for architectures of your own code; leave it out")
        elif folder is not None and not Path(folder).expanduser().is_dir():
            absent.append(f"{where}.python_path: no such folder {folder!r}; correct the path")
        for copy in names_of_copies(name, settings):
            if copy in networks:
                absent.append(f"{where}.copies: {copy} is another network's name; rename that")
    return absent


def find_misnamed(config: Mapping[str, Any]) -> list[str]:
    """Find names in readouts and trained encoders of networks and datasets that the study does not have."""
    networks = config["networks"]
    faults = [f"networks.{CATEGORY}: the RDMs of labels have this name; rename it"] if CATEGORY in networks else []
    faults += [
        f"readouts.{name}.networks: no network {network!r}; {nearest(network, networks)}"
        for name, readout in config["readouts"].items()
        for network in readout.get("networks", [])
        if network not in networks
    ]
    for name, entry in config["trained"].items():
        faults += [f"trained.{name}{fault}" for fault in _misnamed(name, entry, networks, config["datasets"])]
    return faults


def _misnamed(
    name: str, entry: Mapping[str, Any], networks: Mapping[str, Any], datasets: Mapping[str, Any]
) -> Iterator[str]:
    """Find faults of the names in an entry under `trained`."""
    network = entry["network"]
    if name in networks:
        yield ": a network has this name too; rename one"
    if network not in ("cnn", "hybrid", *networks):
        yield f".network: no network {network!r}; {nearest(network, ['cnn', 'hybrid', *networks])}"
    elif network in networks and networks[network]["architecture"] == "labels":
        yield f".network: {network} sees no images; name another"
    for dataset in entry.get("datasets", []):
        if dataset not in datasets:
            yield f".datasets: no dataset {dataset!r}; {nearest(dataset, datasets)}"
