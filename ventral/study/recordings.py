"""Make a source object of each dataset of a study, which knows where its files are."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from ventral.data.kinds import find_kind, kind_of
from ventral.data.source import Places, Source
from ventral.study import paths
from ventral.study.schema import build


def sources_of(config: Mapping[str, Any]) -> dict[str, Source]:
    """Make the sources of all datasets, by name.

    Args:
        config: of the study. Defaults need not be filled in.
    """
    return {name: source_of(name, settings) for name, settings in config["datasets"].items()}


def source_of(dataset: str, settings: Mapping[str, Any]) -> Source:
    """Make the source of one dataset from its name and its checked keys."""
    kind = kind_of(dataset, settings)
    places = Places(
        dataset=dataset,
        downloaded=paths.DOWNLOADED.format(kind=kind),
        simulated=paths.SIMULATED.format(dataset=dataset),
        images=paths.IMAGES.format(dataset=dataset),
    )
    own = {key: value for key, value in settings.items() if key != "kind"}
    return build(find_kind(kind), {**own, "places": places})


def reader_settings(source: Source, reader: str, config: Mapping[str, Any]) -> dict[str, Any]:
    """Select the keys that a reader of a source takes, with their values. Its job has no other parameters.

    Args:
        source: the dataset.
        reader: `read_images` or `read_responses`.
        config: of the study. A reader may take `split` and `seed` from it.
    """
    own = {field.name: getattr(source, field.name) for field in fields(source) if field.name != "places"}
    known = {"split": config["split"], "seed": config["seed"], "dataset": source.places.dataset, **own}
    return {key: known[key] for key in source.keys_of(reader)}
