"""Kriegeskorte et al. 2008: RDMs of monkey and human IT for 92 photographs, without responses of single neurons."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from ventral.data.images import Pictures
from ventral.data.source import Source
from ventral.files.crashes import comes_back
from ventral.files.download import Download, Packed
from ventral.files.errors import InputError, refusing

if TYPE_CHECKING:
    import xarray as xr

# The source archive of a toolbox (MIT licence); its demonstration contains the paper's supplemental data.
PACKED = Packed(
    "rsatoolbox==0.0.4",
    "source",
    95_000_000,
    "84153fa4c686c95f3e83f2cb668b97b82b53dc2a565856db80aa5f8c96d09359",
    "rsatoolbox-0.0.4/demos/92imageData/Kriegeskorte_Neuron2008_supplementalData.mat",
    "06f21214399a5d43dc264eed19a7f4b8daf11c8622a59eec3e106064ce5e3504",
)

OBJECTS, RDMS = "stimuli_92objs", "RDMs_mIT_hIT_fig1"  # the variables of the file that are read
REGIONS = {"mIT_674neurons": ("monkey IT", "macaque"), "hITvisStim_316vx": ("human IT", "human")}
REMEDY = "delete it and run again"


@dataclass(frozen=True, kw_only=True)
class Kriegeskorte92(Source):
    """Kriegeskorte et al. 2008: RDMs of monkey and human IT for 92 photographs."""

    has_rates: ClassVar[bool] = False

    @property
    def labels(self) -> frozenset[str]:
        return frozenset({"category_name"})

    @property
    def file(self) -> str:
        """The file of the supplemental data, which the rule `fetch_kriegeskorte92` writes."""
        return f"{self.places.downloaded}.mat"

    def image_files(self) -> dict[str, str]:
        return {"mat": self.file}

    def response_files(self) -> dict[str, str]:
        return {"mat": self.file}

    def from_outside(self) -> list[str]:
        return [self.file]

    @property
    def n_images(self) -> int:
        return 92

    def downloads(self) -> Iterator[Download]:
        if not Path(self.file).is_file():
            yield Download(f"kriegeskorte92, the package {PACKED.package}", size=PACKED.size, package=PACKED.package)

    @staticmethod
    def read_images(files: Mapping[str, str]) -> Pictures:
        images, rdms = read_kriegeskorte(files["mat"])
        return Pictures(images, rdms["stimulus_id"].values.tolist(), {"category_name": rdms["category_name"].values})

    @staticmethod
    def read_responses(files: Mapping[str, str]) -> "xr.Dataset":
        return read_kriegeskorte(files["mat"])[1]


def read_kriegeskorte(path: str | Path) -> tuple[NDArray[np.uint8], "xr.Dataset"]:
    """Read the supplemental data.

    Returns:
        (92, 175, 175, 3) uint8 photographs, and a dataset with `rdm` (region, stimulus, stimulus_2), 1 - Pearson r
        over 674 neurons of two monkeys and 316 voxels of four people, and coordinates `stimulus_id`,
        `category_name`, `region`.

    Raises:
        InputError: if the file is damaged or lacks an entry.
    """
    import scipy.io

    with refusing(path, "MATLAB file", "not readable", REMEDY):  # for a damaged file, scipy may raise any exception
        if not comes_back(partial(scipy.io.loadmat, path), path):
            raise InputError(path, "MATLAB file", "not readable", REMEDY)
        content = scipy.io.loadmat(path)
        for name in (OBJECTS, RDMS):
            if name not in content:
                raise InputError(path, name, "no such variable", REMEDY)
        return _photographs_and_rdms(content[OBJECTS][0], content[RDMS][0])


def _photographs_and_rdms(objects: NDArray[np.void], rdms: NDArray[np.void]) -> tuple[NDArray[np.uint8], "xr.Dataset"]:
    """Take photographs and RDMs from the structs of the file, as `read_kriegeskorte` returns them.

    Args:
        objects: (92,) with `image`, `category`.
        rdms: (2,) with `name`, `RDM`.
    """
    import xarray as xr
    from scipy.spatial.distance import squareform

    images = np.stack(list(objects["image"]))
    by_region = {REGIONS[str(entry["name"][0])]: squareform(entry["RDM"].ravel()) for entry in rdms}
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] != 3 or len(by_region) != len(REGIONS):
        raise ValueError("not photographs in RGB, or not one RDM a region")
    dataset = xr.Dataset(
        {"rdm": (("region", "stimulus", "stimulus_2"), np.stack(list(by_region.values())))},
        coords={
            "stimulus_id": ("stimulus", [f"kriegeskorte_{i + 1:02d}" for i in range(len(images))]),
            "category_name": ("stimulus", [str(category[0]) for category in objects["category"]]),
            "region": [region for region, _ in by_region],
            "subject": ("region", [species for _, species in by_region]),
        },
        attrs={"source": "Kriegeskorte et al. 2008", "units": "1 - Pearson r"},
    )
    if not np.isfinite(dataset["rdm"]).all():
        raise ValueError("dissimilarities that are not finite")
    return images, dataset


SOURCE = Kriegeskorte92
