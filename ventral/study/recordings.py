"""The datasets of a study as sources: what each is, and where its files lie."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from ventral.data.kinds import find_kind, kind_of
from ventral.data.source import Places, Source
from ventral.study import paths
from ventral.study.schema import build


def sources_of(config: Mapping[str, Any]) -> dict[str, Source]:
    """The source of every dataset, by name.

    Args:
        config: the study's; defaults need not be filled in.
    """
    return {name: source_of(name, settings) for name, settings in config["datasets"].items()}


def source_of(dataset: str, settings: Mapping[str, Any]) -> Source:
    """The source of one dataset, from its name and its checked keys."""
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
    """The keys that a reader of a source takes, with their values: what its job has as parameters, and nothing else.

    Args:
        source: the dataset.
        reader: `read_images` or `read_responses`.
        config: the study's, of which a reader may take `split` and `seed`.
    """
    own = {field.name: getattr(source, field.name) for field in fields(source) if field.name != "places"}
    known = {"split": config["split"], "seed": config["seed"], "dataset": source.places.dataset, **own}
    return {key: known[key] for key in source.keys_of(reader)}
