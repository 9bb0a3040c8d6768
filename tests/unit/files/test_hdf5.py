"""HDF5 files that are not what they seem: their data are elsewhere, or larger than the file."""

import h5py
import numpy as np
import pytest
import xarray as xr

from ventral.data.own.arrays import read_nc
from ventral.files.errors import InputError
from ventral.files.hdf5 import open_hdf5


def read(path):
    with open_hdf5(path, "rates", "damaged", "copy it again") as file:
        return file["rate"][:]


@pytest.fixture
def other(tmp_path):
    """A file of somebody else's, in HDF5 and as bytes."""
    with h5py.File(tmp_path / "secret.h5", "w") as file:
        file["rate"] = np.arange(6.0)
    np.arange(6.0).tofile(tmp_path / "secret.bin")
    return tmp_path


def linked(file, folder):
    file["rate"] = h5py.ExternalLink(folder / "secret.h5", "/rate")


def linked_below(file, folder):
    file["group/deep"] = h5py.ExternalLink(folder / "secret.h5", "/rate")
    file["rate"] = h5py.SoftLink("/group/deep")


def external(file, folder):
    file.create_dataset("rate", (6,), "f8", external=[(folder / "secret.bin", 0, 48)])


def virtual(file, folder):
    layout = h5py.VirtualLayout((6,), "f8")
    layout[:] = h5py.VirtualSource(folder / "secret.h5", "rate", (6,))
    file.create_virtual_dataset("rate", layout)


@pytest.mark.parametrize("write", [linked, linked_below, external, virtual])
def test_data_of_other_files_is_not_read(other, write):
    with h5py.File(other / "given.h5", "w") as file:
        write(file, other)
    with h5py.File(other / "given.h5") as file:  # which HDF5 would hand out
        assert file["rate"][:].tolist() == list(range(6))
    with pytest.raises(InputError, match=r"given.h5: (rate|group/deep): lies in another file; copy it again"):
        read(other / "given.h5")


def test_what_a_file_cannot_hold_is_not_made_room_for(tmp_path):
    with h5py.File(tmp_path / "given.h5", "w") as file:
        file.create_dataset("rate", (10**9, 100), "f8", chunks=(1, 100))
    with pytest.raises(InputError, match=r"rate: shape \(1000000000, 100\) is more than the file can hold"):
        read(tmp_path / "given.h5")


def test_what_deflates_well_is_read(tmp_path):
    with h5py.File(tmp_path / "given.h5", "w") as file:
        file.create_dataset("rate", data=np.zeros((2_000_000, 4), np.uint8), chunks=(2_000_000, 1), compression=9)
    assert (tmp_path / "given.h5").stat().st_size < 20_000
    assert not read(tmp_path / "given.h5").any()


def test_a_list_of_axes_that_is_longer_than_the_axes(tmp_path):
    """HDF5 2.0 writes it into memory for as many axes as there are, and may bring down the process."""
    xr.Dataset({"rate": (("stimulus", "neuroid"), np.ones((3, 2)))}).to_netcdf(tmp_path / "a.nc", engine="h5netcdf")
    with h5py.File(tmp_path / "a.nc", "r+") as file:
        axes = file["rate"].attrs["DIMENSION_LIST"]
        del file["rate"]
        file["rate"] = np.ones(3)
        file["rate"].attrs["DIMENSION_LIST"] = axes
    with pytest.raises(InputError, match=r"a.nc: rate: DIMENSION_LIST is not one list of references an axis"):
        read_nc(tmp_path / "a.nc")
