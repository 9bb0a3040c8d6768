"""Spike times are found in rasters, written and read back, and counted."""

import tracemalloc

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ventral.data.xiao.files import read_spike_times
from ventral.data.xiao.layout import RASTERS, UNIT_NAMES
from ventral.data.xiao.spikes import SHORT, count_spikes, read_spikes, spike_times, write_spikes

counts = st.sampled_from([0] * 20 + [1, 2, 255])


@given(arrays(np.uint8, st.integers(0, 40), elements=counts), st.integers(0, 3), st.integers(0, 2**32 - 1))
def test_spike_times_of_short_and_long_rasters(head, rest, seed):
    long = np.random.default_rng(seed).poisson(0.01, SHORT + 8 * (seed % 100) + rest).astype(np.uint8)
    for column in (head, np.concatenate([head, long, head])):
        expected = np.repeat(np.arange(len(column)), column)
        np.testing.assert_array_equal(spike_times(column), expected)
        np.testing.assert_array_equal(spike_times(np.column_stack([column, column])[:, 1]), expected)


def test_a_long_raster_that_is_full_or_empty():
    assert spike_times(np.zeros(3 * SHORT, np.uint8)).size == 0
    np.testing.assert_array_equal(spike_times(np.ones(3 * SHORT + 5, np.uint8)), np.arange(3 * SHORT + 5))


@given(st.lists(st.lists(st.integers(0, 999), max_size=20).map(sorted), min_size=1, max_size=6))
def test_spikes_come_back(tmp_path_factory, spikes):
    path = tmp_path_factory.mktemp("spikes") / "spikes.h5"
    names = [f"{u}a" for u in range(len(spikes))]
    write_spikes(path, names, [np.array(times, dtype=np.int64) for times in spikes], 1000)
    read_names, read, recording_ms = read_spikes(path)
    assert (read_names, recording_ms) == (names, 1000)
    assert [times.tolist() for times in read] == spikes
    assert all(times.dtype == np.int32 for times in read)
    assert [path.name for path in path.parent.iterdir()] == ["spikes.h5"]


def test_nothing_is_left_of_a_write_that_fails(tmp_path):
    with pytest.raises(TypeError):
        write_spikes(tmp_path / "spikes.h5", ["1"], [np.array(["no time"])], 10)
    assert not list(tmp_path.iterdir())


@given(st.lists(st.integers(0, 300), max_size=50).map(sorted), st.lists(st.integers(-20, 300)), st.integers(1, 50))
def test_counts_do_not_depend_on_the_type_of_times(times, start, width):
    start = np.array(start, dtype=np.int64)
    expected = [sum(i <= t < i + width for t in times) for i in start]
    for dtype in (np.int32, np.int64):
        assert count_spikes(np.array(times, dtype), start, width).tolist() == expected


LAYOUTS = {
    "as published": {"chunks": (5000, 1), "compression": "gzip"},
    "shuffled": {"chunks": (5000, 1), "compression": "gzip", "shuffle": True},
    "with checksums": {"chunks": (5000, 1), "compression": "gzip", "fletcher32": True},
    "two columns a chunk": {"chunks": (2500, 2), "compression": "gzip"},
    "half a column a chunk": {"chunks": (2500, 1), "compression": "gzip"},
    "chunks longer than the columns": {"chunks": (5001, 1), "compression": "gzip", "maxshape": (None, 3)},
    "other compression": {"chunks": (5000, 1), "compression": "lzf"},
    "one block": {},
}


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_rasters_of_any_layout(tmp_path, layout):
    rasters = np.random.default_rng(0).poisson(0.05, (5000, 3)).astype(np.uint8)
    rasters[:, 2] = 0
    with h5py.File(tmp_path / "rasters.nwb", "w") as file:
        dataset = file.create_dataset(RASTERS, rasters.shape, np.uint8, **layout)
        dataset[:, :2] = rasters[:, :2]  # the last column is never written
        file[UNIT_NAMES] = ["1", "2", "3"]
    _, spikes, length = read_spike_times(tmp_path / "rasters.nwb")
    assert length == 5000
    for times, column in zip(spikes, rasters.T, strict=True):
        np.testing.assert_array_equal(times, np.repeat(np.arange(5000), column))


def test_one_column_is_in_memory_at_a_time(tmp_path):
    length, n_units = 4_000_000, 20
    with h5py.File(tmp_path / "rasters.nwb", "w") as file:
        chunked = {"chunks": (length, 1), "compression": "gzip", "compression_opts": 1}
        dataset = file.create_dataset(RASTERS, (length, n_units), np.uint8, **chunked)
        column = np.zeros((length, 1), np.uint8)
        column[::200] = 1
        for u in range(n_units):
            dataset.write_direct(column, np.s_[:], np.s_[:, u : u + 1])
        file[UNIT_NAMES] = [str(u + 1) for u in range(n_units)]
    tracemalloc.start()
    read_spike_times(tmp_path / "rasters.nwb")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 * length  # 20 columns would be 20 times the length
