"""A deep head: a small network with hidden layers on the principal components of the features."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from ventral.files.keys import Sizes, key
from ventral.gram.spectra import Decomposition, Spectrum
from ventral.readouts.contract import ComponentsReadout, Fitted, Floats
from ventral.readouts.linear import fit_linear

DROPOUT = 0.5


@dataclass(frozen=True)
class Mlp(ComponentsReadout):
    """A deep head: a multilayer perceptron."""

    is_slow = True

    mlp: Annotated[Sizes, key("units of each hidden layer", "give a list of sizes", [512, 256])]

    def fit(self, decomposition: Decomposition, responses: NDArray[np.floating], seed: int) -> Fitted:
        """As `Readout.fit`; train images are held out to choose the epoch. Of dead features the mean is predicted."""
        spectrum = decomposition.spectrum(self.cut, self.components)
        if not spectrum.values.size:
            return fit_linear(decomposition, responses, [0.0], rank_cut=self.cut)
        # Here, not above: torch takes seconds to import.
        from ventral.training.engine import fit_mlp
        from ventral.training.heads import HeadPlan

        plan = HeadPlan("mlp", hidden=tuple(self.mlp), dropout=DROPOUT)
        scores = spectrum.vectors * np.sqrt(spectrum.values)
        head = fit_mlp(scores, responses, head=plan, seed=seed, groups=decomposition.groups, name="deep head")

        def predict(cross: Floats) -> Floats:
            return head.predict(project(cross, spectrum)).astype(np.float64)

        held_out = np.full(responses.shape, np.nan)
        held_out[head.training.held_out] = head.training.predictions
        return Fitted(predict, held_out, spectrum.values.size)


def project(cross: Floats, spectrum: Spectrum) -> Floats:
    """(m, k) scores on k components, from (m, n) inner products with the n train images about the train mean."""
    return cross @ (spectrum.vectors / np.sqrt(spectrum.values))


READOUT = Mlp
