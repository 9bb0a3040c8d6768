"""Ridge regression and least squares, on the features or on their principal components."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray

from ventral.files.keys import Terms, key
from ventral.gram.spectra import Decomposition, Spectrum
from ventral.readouts.contract import ComponentsReadout, Fitted
from ventral.readouts.linear import fit_linear

# Penalties to choose from, in units of the mean eigenvalue of a layer's Gram matrix: one grid then serves layers of a
# thousand and of a million units.
ALPHAS = np.logspace(-4, 4, 17)


@dataclass(frozen=True)
class Ridge(ComponentsReadout):
    """Ridge regression, and least squares."""

    is_linear = True

    alpha: Annotated[
        Literal["loo", "cv"] | Annotated[float, Terms(ge=0)],
        key(
            "penalty as in scikit-learn, 0 for least squares; loo: one for each neuroid, chosen on held-out stimuli of "
            "train; cv: likewise, one for all neuroids that are fitted together",
            example="loo",
        ),
    ]

    def fit(self, decomposition: Decomposition, responses: NDArray[np.floating], seed: int) -> Fitted:
        """As `Readout.fit`; nothing is random."""
        alphas = self.alphas(decomposition.spectrum(self.cut), len(responses))
        shared = self.alpha == "cv"
        return fit_linear(decomposition, responses, alphas, self.components, shared=shared, rank_cut=self.cut)

    def alphas(self, spectrum: Spectrum, n_train: int) -> Sequence[float]:
        """The penalties to try on features of this spectrum."""
        if self.alpha in ("loo", "cv"):
            scale = float(spectrum.values.sum()) / n_train
            return list(ALPHAS * (scale if scale > 0 else 1.0))
        return [float(self.alpha)]


READOUT = Ridge
