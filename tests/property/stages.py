"""Run a study from its config to predictions for its own images, with the scripts of the workflow in this process.

The scripts get what the rules would give them. `test_workflow.py` tests that the rules do so.
"""

import copy
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import CodeType, SimpleNamespace
from typing import Any
from unittest.mock import patch

import numpy as np

from ventral.data import responses as responses_module
from ventral.data.images import open_images
from ventral.data.responses import read_responses
from ventral.encoders.chosen import chosen_predictions
from ventral.encoders.keep.reading import predict_images
from ventral.files.errors import InputError
from ventral.networks.published import origin
from ventral.study.config import complete
from ventral.study.recordings import reader_settings, source_of

HOME = Path(__file__).parents[2]
DATASET = "mine"
OF_NETWORK = "state dict"  # the field of an encoder that is refused for what its network is made of


class Refused(Exception):
    """A study that ended in one line.

    Attributes:
        stage: that said it: config, images, responses or network before any readout is fitted, then fitting, scoring,
            keeping.
    """

    def __init__(self, stage: str, line: str) -> None:
        self.stage = stage
        super().__init__(line)


class Given(SimpleNamespace):
    """Inputs, outputs or parameters of a rule, by attribute or by key."""

    def __getitem__(self, key: str) -> Any:
        return getattr(self, key)

    def items(self) -> Iterable[tuple[str, Any]]:
        return vars(self).items()


@cache
def _code(script: str) -> CodeType:
    path = HOME / "scripts" / f"{script}.py"
    return compile(path.read_text(), str(path), "exec")


def run_script(stage: str, script: str, config: Mapping[str, Any], **given: Mapping[str, Any]) -> None:
    """Run a script of the workflow as a rule does.

    Raises:
        Refused: where the script ends in one line.
        Exception: as it was, on any other fault.
    """
    job = SimpleNamespace(**{name: Given(**values) for name, values in given.items()})
    job.log, job.threads, job.config, job.resources = [f"logs/{script}.log"], 1, config, Given(tmpdir=None)
    try:
        exec(_code(script), {"snakemake": job, "__name__": "__main__"})
    except SystemExit as end:
        if isinstance(end.__context__, InputError):
            raise Refused(stage, str(end.__context__)) from None
        assert end.__context__ is not None
        raise end.__context__ from None


@contextmanager
def apart() -> Iterator[None]:
    """Leave the path of modules as it was, to which code of one's own adds its folder; read each file once.

    To read netCDF takes longer than all else in a small study, and every stage reads the same.
    """
    before, known = sys.path[:], cache(read_responses)
    with patch.object(responses_module, "read_responses", lambda path: known(path).copy()):
        try:
            yield
        finally:
            sys.path[:] = before


def check(config: Mapping[str, Any]) -> dict[str, Any]:
    """The complete config of a study.

    Raises:
        Refused: if it has faults.
    """
    whole: dict[str, Any] = copy.deepcopy(dict(config))
    if faults := complete(whole):
        raise Refused("config", faults[0])
    return whole


def read(config: Mapping[str, Any]) -> None:
    """Pack the images and read the responses of a study."""
    source = source_of(DATASET, config["datasets"][DATASET])
    for stage, script, reader, files, output in (
        ("images", "pack_images", "read_images", source.image_files(), {"images": "images.h5"}),
        ("responses", "read_responses", "read_responses", source.response_files(), {"responses": "responses.nc"}),
    ):
        run_script(
            stage,
            script,
            config,
            wildcards={"dataset": DATASET},
            input=files | ({"packed": "images.h5"} if "packed" in files else {}),
            output=output,
            params={"kind": source.kind, "settings": reader_settings(source, reader, config)},
        )
    for protocol in config["protocols"]:
        run_script(
            "responses",
            "check_responses",
            config,
            wildcards={"dataset": DATASET, "protocol": protocol},
            input={"responses": "responses.nc"},
            output={"checked": f"{protocol}.txt"},
            params={"seed": config["seed"]},
        )


def weights_of(network: Mapping[str, Any]) -> str | list[str]:
    """The file of weights that the rules give to a network."""
    return network["weights"] if origin(network["architecture"], network["weights"]) == "file" else []


def extract(config: Mapping[str, Any]) -> None:
    """Run every network over the images."""
    for name, network in config["networks"].items():
        run_script(
            "network",
            "extract_activations",
            config,
            wildcards={"dataset": DATASET, "network": name},
            input={"images": "images.h5", "weights": weights_of(network)},
            output={"grams": f"{name}.h5"},
            params={"network": network, "device": config["device"], "seed": config["seed"]},
        )


def predictions_of(protocol: str, encoder: str) -> str:
    """The file of an encoder's predictions."""
    return f"{protocol}/{encoder}.nc"


def encoders(config: Mapping[str, Any]) -> Iterator[tuple[str, str, str, str]]:
    """Protocol, network, readout and file of every encoder."""
    for protocol in config["protocols"]:
        for network in config["networks"]:
            for readout in config["readouts"]:
                yield protocol, network, readout, predictions_of(protocol, f"{network}-{readout}")


def fit(config: Mapping[str, Any]) -> None:
    """Fit every readout to every network."""
    for protocol in config["protocols"]:
        for network in config["networks"]:
            files = [predictions_of(protocol, f"{network}-{readout}") for readout in config["readouts"]]
            run_script(
                "fitting",
                "fit_encoders",
                config,
                wildcards={"dataset": DATASET, "network": network, "protocol": protocol},
                input={"responses": "responses.nc", "grams": f"{network}.h5"},
                output={"predictions": files},
                params={name: config[name] for name in ("readouts", "seed", "min_reliability")},
            )


def score(config: Mapping[str, Any]) -> None:
    """Write the tables."""
    files = [file for _, _, _, file in encoders(config)]
    names = ("scores", "summary", "layers", "weights")
    run_script(
        "scoring",
        "assemble_scores",
        config,
        input={"responses": ["responses.nc"], "predictions": files, "checks": []},
        output={name: f"{name}.csv" for name in names} | {"markdown": "summary.md", "latex": "summary.tex"},
        params={"datasets": [DATASET], "owners": [DATASET] * len(files), "references": ["pixels"]}
        | {name: config[name] for name in ("min_reliability", "bootstrap", "interval_over", "seed")},
    )


def keep(config: Mapping[str, Any], protocol: str, network: str, readout: str) -> str:
    """Keep an encoder; its folder."""
    folder, settings = f"encoders/{protocol}/{network}-{readout}", config["networks"][network]
    run_script(
        "keeping",
        "keep_encoder",
        config,
        wildcards={"dataset": DATASET, "network": network, "protocol": protocol, "readout": readout},
        input={
            "responses": "responses.nc",
            "images": "images.h5",
            "grams": f"{network}.h5",
            "predictions": predictions_of(protocol, f"{network}-{readout}"),
            "weights": weights_of(settings),
        },
        output={"card": f"{folder}/card.json"},
        params={"network": settings, "readout": config["readouts"][readout]}
        | {name: config[name] for name in ("device", "seed")},
    )
    return folder


def deviation(images: str, responses: str, predictions: str, encoder: str) -> float:
    """How far `predict` on a study's own images is from its predictions of held-out stimuli, in sd of a neuroid."""
    read = responses_module.read_responses
    predicted, rates = read(predictions), read(responses)["rate"].values
    names, again, _ = predict_images(encoder, images, own_code=True)
    row = {Path(name).name: i for i, name in enumerate(names)}
    again = again[[row[stimulus] for stimulus in predicted["stimulus_id"].values]]
    differs = np.abs(again - chosen_predictions(predicted)) / np.nanstd(rates, axis=0)
    known = np.isfinite(chosen_predictions(predicted))
    assert np.isfinite(again[known]).all()
    return float(differs[known].max(initial=0.0))


def run_study(config: Mapping[str, Any], means: Mapping[str, np.ndarray]) -> float:
    """Run a study in the working folder, whole; the largest deviation of `predict` from it, in sd.

    Args:
        config: as a user writes it.
        means: (neuroid,) mean response to each image, by its name.

    Raises:
        Refused: where it ends in one line.
        AssertionError: where responses went to other images than those that they name.
    """
    with apart():
        whole = check(config)
        read(whole)
        found = responses_module.read_responses("responses.nc")
        images = whole["datasets"][DATASET]["images"]
        assert sorted(found["stimulus_id"].values) == sorted(Path(name).name for name in open_images(images)[0])
        expected = np.stack([means[stimulus] for stimulus in found["stimulus_id"].values])
        np.testing.assert_allclose(found["rate"].values, expected, rtol=1e-6, atol=1e-6 * np.nanstd(expected))
        extract(whole)
        fit(whole)
        score(whole)
        deviations = [
            deviation(images, "responses.nc", file, keep(whole, protocol, network, readout))
            for protocol, network, readout, file in encoders(whole)
        ]
    return max(deviations)
