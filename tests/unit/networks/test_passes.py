"""How activations fit into memory: passes over ranges of units, and what is halved when memory runs out."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from ventral.files.errors import InputError
from ventral.gram.matrix import WIDTH
from ventral.networks import activations as module
from ventral.networks import passes as of_passes
from ventral.networks.activations import extract_grams
from ventral.networks.passes import MOST_PASSES, Limits, passes, smaller
from ventral.networks.weights import seeded
from ventral.networks.zoo import Network

CPU = torch.device("cpu")
N = 11
IMAGES = np.random.default_rng(0).integers(0, 256, (N, 8, 8, 3), dtype=np.uint8)
UNITS = {"0": 256, "2": 512, "4": 10}


class Small(nn.Sequential):
    """Three layers; on images of 8 x 8 pixels they have `UNITS`."""

    def __init__(self, fits=lambda _images: True) -> None:
        with seeded(0):
            conv = nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 8, 3, padding=1)
            super().__init__(*conv, nn.Flatten(), nn.Linear(512, 10))
        self.fits = fits

    def forward(self, x):
        if not self.fits(len(x)):
            raise torch.OutOfMemoryError("CUDA out of memory")
        return super().forward(x)


@pytest.fixture
def device(monkeypatch):
    """A device with so many bytes for activations, which are cut anywhere."""
    monkeypatch.setattr(of_passes, "WIDTH", 1)
    monkeypatch.setattr(module, "SHARE", 1)
    return lambda free: monkeypatch.setattr(module, "free_memory", lambda _: free)


def extracted(model, **options):
    network = Network("mine", model.eval(), tuple(UNITS), None, (0, 0, 0), (1, 1, 1))
    return dict(extract_grams(network, IMAGES, memory_mb=100, scratch=None, device=CPU, **options))


def runs_told(capsys) -> int:
    """How often the network ran over the images."""
    return capsys.readouterr().err.count("mine: batches of")


def assert_same(found, expected):
    assert list(found) == list(expected) == list(UNITS)
    for name, gram in found.items():
        scale = np.trace(expected[name].inner) / N
        np.testing.assert_allclose(gram.inner, expected[name].inner, atol=1e-5 * scale)
        np.testing.assert_allclose(gram.mean_product, expected[name].mean_product, atol=1e-4 * scale)
        assert gram.n_units == UNITS[name]


@given(st.lists(st.integers(1, 3 * WIDTH), min_size=1, max_size=5), st.integers(1, 4 * WIDTH), st.integers(1, 9))
def test_passes_record_every_unit_once_in_order_within_the_memory(sizes, width, n):
    units = {str(i): size for i, size in enumerate(sizes)}
    done = dict.fromkeys(units, 0)
    for ranges in passes(units, n, Limits(1, 4 * n * width, 1, 1)):
        assert 0 < sum(part.stop - part.start for part in ranges.values()) <= width
        for name, part in ranges.items():
            assert part.start == done[name] and (width < WIDTH or part.start % WIDTH == 0)
            assert all(done[earlier] == units[earlier] for earlier in list(units)[: list(units).index(name)])
            done[name] = part.stop
    assert done == units


def test_one_pass_where_activations_pass_through_a_file():
    assert list(passes(UNITS, N, Limits(1, 0, 1, 1))) == [{name: slice(0, p) for name, p in UNITS.items()}]


def test_first_batches_are_halved_then_what_is_held_then_nothing_is(device, capsys):
    limits, said = Limits(4, 4 * N * sum(UNITS.values()), 1, 1), []
    while limits is not None:
        limits = smaller(limits, UNITS, N, "mine")
        said.append(capsys.readouterr().err)
    by_file = "mine: out of memory, now activations pass through a file\n"
    assert said[:3] == [
        "mine: out of memory, now batches of 2 images\n",
        "mine: out of memory, now batches of 1 images\n",
        "mine: out of memory, now 2 passes over the images, each for some layers\n",
    ]
    assert said[-2:] == [by_file, ""] and len(said) <= 3 + MOST_PASSES


@pytest.mark.parametrize("n_passes", [1, 2, 3, 5])
def test_grams_do_not_depend_on_the_number_of_passes(n_passes, device, capsys):
    expected = extracted(Small())
    runs_told(capsys)
    device(8 * N**2 + 4 * N * (sum(UNITS.values()) // n_passes + 1))
    assert_same(extracted(Small()), expected)
    assert runs_told(capsys) == n_passes


def test_a_network_that_would_need_many_passes_runs_once(device, capsys):
    expected = extracted(Small())
    runs_told(capsys)
    device(8 * N**2 + 4 * N * sum(UNITS.values()) // (MOST_PASSES + 1))
    assert_same(extracted(Small()), expected)
    assert runs_told(capsys) == 1


@pytest.mark.parametrize("most", [3, 5])
@pytest.mark.parametrize("free", [0, 2**20])
def test_a_network_that_runs_out_of_memory_gets_smaller_batches_and_says_so(most, free, device, capsys):
    expected, model = extracted(Small()), Small(lambda size: size <= most)
    capsys.readouterr()
    device(free)
    assert_same(extracted(model), expected)
    said = [line for line in capsys.readouterr().err.splitlines() if "out of memory" in line]
    assert said == [f"mine: out of memory, now batches of {size} images" for size in (16, 8, 4, 2) if size * 2 > most]


def test_what_runs_out_beside_held_activations_holds_fewer(device, monkeypatch, capsys):
    """On a device where the network fits only beside half of the activations."""
    most, reserved = 4 * N * sum(UNITS.values()) // 2, []

    class Held(module.Held):
        def __init__(self, n_images, n_units, *options):
            super().__init__(n_images, n_units, *options)
            reserved.append(4 * n_images * n_units)

        def __del__(self):
            reserved.remove(self.rows.nbytes)

    expected = extracted(Small())
    capsys.readouterr()
    monkeypatch.setattr(module, "Held", Held)
    monkeypatch.setattr(module, "BATCH", {"cpu": 2})
    device(2**20)
    assert_same(extracted(Small(lambda _: sum(reserved) <= most)), expected)
    said = [line for line in capsys.readouterr().err.splitlines() if "out of memory" in line]
    assert said == [
        "mine: out of memory, now batches of 1 images",
        "mine: out of memory, now 2 passes over the images, each for some layers",
    ]
    assert not reserved  # nothing that a failed pass held stays


def test_memory_that_runs_out_in_products_begins_the_layer_again(monkeypatch, tmp_path, capsys):
    expected, failing = extracted(Small()), iter([False, True, True, False, False, False])
    products_of, arrays = module.gram_of_blocks, []

    def gram(blocks, *sizes):
        if next(failing):
            next(blocks)
            raise torch.OutOfMemoryError("CUDA out of memory")
        return products_of(blocks, *sizes)

    def kept_in(name, shape):
        arrays.append((name, np.zeros((N, UNITS[name]), np.float32)))
        return arrays[-1][1]

    monkeypatch.setattr(module, "gram_of_blocks", gram)
    assert_same(extracted(Small(), keep=["2"], kept_in=kept_in), expected)
    assert [name for name, _ in arrays] == ["2"] and arrays[0][1].any(axis=0).all()


@pytest.mark.parametrize("fits", [lambda size: False, lambda size: size == 3 or size == 2])
def test_a_network_that_does_not_fit_at_all_is_one_line(fits, monkeypatch, capsys):
    monkeypatch.setattr(module, "free_memory", lambda _: 2**20)
    with pytest.raises(
        InputError, match=r"networks\.mine: out of memory on cpu with one image at a time; set a smaller"
    ):
        extracted(Small(fits))
