"""Record the choices of a random study, so that a failure can name them, and the outcome that they allow."""

from collections.abc import Sequence
from typing import Any

import numpy as np


class Odds:
    """Draws from named options, and notes what was drawn.

    Attributes:
        rng: where all chance comes from.
        chosen: by what was decided, the option.
        faults: choices that have to end in one line.
        risks: choices that may end in one line, as many holes in few stimuli do.
    """

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.chosen: dict[str, str] = {}
        self.faults: list[str] = []
        self.risks: list[str] = []

    def pick(self, what: str, usual: Sequence[str], doubtful: Sequence[str] = (), refused: Sequence[str] = ()) -> str:
        """One of the options: of those to be refused once in thirty draws, of the doubtful once in ten."""
        chance = self.rng.random()
        options = refused if chance < 1 / 30 and refused else doubtful if chance < 0.13 and doubtful else usual
        option = str(options[self.rng.integers(len(options))])
        self.chosen[what] = option
        if options is refused:
            self.faults.append(f"{what}: {option}")
        elif options is doubtful:
            self.risks.append(f"{what}: {option}")
        return option

    def one_of(self, options: Sequence[Any]) -> Any:
        """One of the options, of which none matters enough to be noted."""
        return options[self.rng.integers(len(options))]

    def often(self, share: float) -> bool:
        """True in that share of the draws."""
        return bool(self.rng.random() < share)
