"""What a readout is: a frozen dataclass of config keys that can be fitted, and what a fitted one can do.

To add a kind, write `ventral/readouts/KIND.py` with a subclass of `Readout` under the name `READOUT`. An entry under
`readouts` in the config is of that kind where it says `kind: KIND`, or where KIND is one of its keys (`catalogue`).
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from ventral.files.keys import Count, Names, key
from ventral.gram.spectra import RANK_CUT, Decomposition

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class ImageWeights:
    """A linear map from features to t neuroids, held as weights of the n train images.

    Attributes:
        dual: (n, t) weight of each train image.
        intercept: (t,) mean train response.
    """

    dual: Floats
    intercept: Floats

    def predict(self, cross: Floats) -> Floats:
        """(m, t) predictions from (m, n) inner products with the train images, about the train mean."""
        return cross @ self.dual + self.intercept


@dataclass(frozen=True)
class Fitted:
    """A readout fitted on n train images to their (n, t) responses.

    Attributes:
        predict: (m, n) inner products of any m images with the train images, about the train mean -> (m, t)
            predictions.
        held_out: (n, t) prediction of each train image by a readout fitted without it, or without its group or fold.
            NaN where there is none; R2 on train, by which layers are chosen, is that of the others.
        n_directions: number of directions of feature space used.
        alpha: (t,) ridge penalty used; None where a readout has no penalty.
        weights: the readout as weights of the train images; None where it is not linear.
    """

    predict: Callable[[Floats], Floats]
    held_out: Floats
    n_directions: int
    alpha: Floats | None = None
    weights: ImageWeights | None = None


@dataclass(frozen=True, kw_only=True)
class Readout(ABC):
    """One entry under `readouts` in the config. The fields are its keys.

    Attributes:
        is_linear: whether what is fitted has `weights`, so that an encoder can be kept as weights of units.
        is_slow: whether a fit takes minutes. Such a readout is fitted in a job of its own: it is not fitted again when
            another one of the same network is added.
    """

    is_linear: ClassVar[bool] = False
    is_slow: ClassVar[bool] = False

    kind: Annotated[
        str | None,
        key("kind of the readout; absent: the kind whose name is one of the entry's keys, else ridge", example="ridge"),
    ] = None
    networks: Annotated[
        Names | None,
        key(
            "networks whose features it reads; absent: all",
            "give a list of names under networks",
            ["pixels", "resnet50"],
        ),
    ] = None
    per: Annotated[
        Literal["region", "subject"] | None,
        key("neuroids that are fitted together: of a region, or of a region of one subject; absent: region"),
    ] = None

    @abstractmethod
    def fit(self, decomposition: Decomposition, responses: NDArray[np.floating], seed: int) -> Fitted:
        """Fit the readout to neuroids that share their train images.

        Args:
            decomposition: of the n train images: their inner products, spectrum, groups and folds.
            responses: (n, t) of t neuroids, complete.
            seed: of what is random.
        """

    def most_components(self, n_train: int) -> int:
        """The largest number of principal components of n train images that a fit can use."""
        return n_train

    def attributes(self) -> dict[str, Any]:
        """What later stages show of the readout, as attributes of its file of predictions."""
        return {}


@dataclass(frozen=True, kw_only=True)
class ComponentsReadout(Readout):
    """A readout that takes principal components of the features."""

    components: Annotated[
        Count | None, key("principal components of the layer that are used; absent: all", example=100)
    ] = None
    rank_cut: Annotated[
        float | None,
        key(
            "directions of a layer with less than this share of its largest eigenvalue are left out; absent: 1.0e-6",
            example=0,
            ge=0,
            lt=1,
        ),
    ] = None

    @property
    def cut(self) -> float:
        """The share of the largest eigenvalue below which a direction is not used."""
        return RANK_CUT if self.rank_cut is None else self.rank_cut

    def most_components(self, n_train: int) -> int:
        """As `Readout.most_components`."""
        return n_train if self.components is None else self.components

    def attributes(self) -> dict[str, Any]:
        """As `Readout.attributes`."""
        return {"rank_cut": self.cut}
