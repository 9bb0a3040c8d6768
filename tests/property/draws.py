"""Draw a random study, with images, responses, networks and a config, into a folder."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from tests.property.modules import draw_network
from tests.property.odds import Odds
from tests.property.pictures import draw_pictures
from tests.property.recordings import Recorded, draw_recordings
from tests.property.stages import DATASET

READOUTS: dict[str, dict[str, Any]] = {
    "ridge_loo": {"alpha": "loo"},
    "ols": {"alpha": 0},
    "ridge": {"alpha": 1},
    "ridge_cv": {"alpha": "cv"},
    "ridge_small": {"alpha": 1.0e-6},
    "pca3-ols": {"alpha": 0, "components": 3},
    "pca100-ridge_loo": {"alpha": "loo", "components": 100},
    "pls1": {"pls": 1},
    "pls25": {"pls": 25},
    "uncut": {"alpha": 0, "rank_cut": 0},
    "by_subject": {"alpha": "loo", "per": "subject"},
}


@dataclass(frozen=True)
class Draw:
    """A study, and what is to come of it.

    Attributes:
        config: as a user writes it.
        recorded: what the responses say.
        odds: what was drawn, of which `faults` have to end in one line and `risks` may.
    """

    config: dict[str, Any]
    recorded: Recorded
    odds: Odds

    def __str__(self) -> str:
        return f"{self.odds.chosen}\n{yaml.safe_dump(self.config, sort_keys=False)}"


def draw_study(seed: int, number: int, folder: Path) -> Draw:
    """Write the study of a number among those of a seed into a folder."""
    odds = Odds(np.random.default_rng([seed, number]))
    images, names = draw_pictures(odds, folder)
    responses, recorded = draw_recordings(odds, folder, names)
    networks = {f"net{number}_{i}": draw_network(odds, folder, f"net{number}_{i}") for i in range(1 + odds.often(0.3))}
    if odds.often(0.2):
        networks["pixels"] = {"architecture": "pixels"}
    chosen = odds.rng.permutation(len(READOUTS))[: odds.rng.integers(1, 3)]
    readouts = {name: READOUTS[name] for name in (list(READOUTS)[i] for i in chosen)}
    odds.chosen["readouts"] = ", ".join(readouts)
    config = {
        "seed": int(odds.rng.integers(10)),
        "device": "cpu",
        "bootstrap": 100,
        "datasets": {DATASET: images | responses},
        "networks": networks,
        "readouts": readouts,
        "interval_over": odds.one_of(["both", "stimuli", "neuroids", "subjects", "sessions"]),
        **_settings(odds, len(names), networks),
    }
    return Draw(yaml.safe_load(yaml.safe_dump(config)), recorded, odds)


def _settings(odds: Odds, n: int, networks: dict[str, Any]) -> dict[str, Any]:
    """Protocols and shares; something that a config cannot have."""
    settings: dict[str, Any] = {}
    protocol = odds.pick("protocol", ["holdout"] * 6 + ["kfold", "brainscore"])
    if protocol != "holdout":
        settings["protocols"] = odds.one_of([[protocol], ["holdout", protocol]])
        if n < 12 or odds.chosen["one file"] == "a copy" or "holes" in odds.chosen:
            odds.risks.append(f"{protocol} on few stimuli")
    share = odds.pick("split", ["default"] * 4 + ["larger"], doubtful=["small"])
    settings |= {"larger": {"split": {"val": 0.2, "test": 0.3}}, "small": {"split": {"val": 0.03}}}.get(share, {})
    wrong = odds.pick("config", ["sound"], refused=["unknown key", "no such file", "reliability", "weights"])
    if wrong == "unknown key":
        settings["bootstraps"] = 100
    elif wrong == "reliability":
        settings["min_reliability"] = "high"
    elif wrong == "no such file":
        settings["networks"] = networks | {"other": {"architecture": "nowhere.py:net"}}
    elif wrong == "weights":
        settings["networks"] = networks | {"other": {"architecture": "cornet_z", "weights": "nowhere.pth"}}
    return settings
