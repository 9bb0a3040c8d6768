"""HMO as a network: random modules, the computation of a layer, and rebuilding from card and state dict."""

import json
from itertools import pairwise

import numpy as np
import pytest
import torch

from ventral.faces.hmo import calibrate
from ventral.files.errors import InputError
from ventral.networks import hmo
from ventral.networks.hmo import DRAWN, FILTERS, Layer, LayerPlan, build_hmo, draw_modules, make_card, read_hmo_card
from ventral.networks.weights import load_state

SMALL = LayerPlan(4, 3, 0.0, None, 3, 2, 3, 0.1)
MODULES = [(SMALL,), (SMALL, LayerPlan(6, 5, 0.1, 1.0, 5, None, 3, 1.0))]


@pytest.fixture
def card():
    return make_card(MODULES, [5, 6], image_size=16, seed=1)


def test_modules_are_drawn_from_the_lists():
    modules = draw_modules(200, seed=3)
    assert modules[:20] == draw_modules(20, seed=3) and modules != draw_modules(200, seed=4)
    assert {len(module) for module in modules} == {1, 2, 3}
    for name, values in DRAWN.items():
        assert {getattr(layer, name) for module in modules for layer in module} == set(values)
    for module in modules:
        assert module[0].filters in FILTERS
        assert {b.filters // a.filters for a, b in pairwise(module)} <= {1, 2}


def neighbourhood(values, row, column, size):
    """Of (c, h, w), the places around one that are within the edges."""
    r = size // 2
    return values[:, max(row - r, 0) : row + r + 1, max(column - r, 0) : column + r + 1]


@pytest.mark.parametrize("order", [1, 2, None])
@pytest.mark.parametrize("size", [8, 9])
def test_layer_is_what_the_paper_says(order, size):
    plan = LayerPlan(2, 3, 0.1, 0.8, 5, order, 3, 0.5)
    layer = Layer(3, plan).double()
    image = np.random.default_rng(0).normal(size=(3, size, size))
    filters = layer.filter.weight.detach().numpy()
    padded = np.pad(image, ((0, 0), (1, 1), (1, 1)))
    filtered = np.array(
        [[[(f * padded[:, i : i + 3, j : j + 3]).sum() for j in range(size)] for i in range(size)] for f in filters]
    )
    rectified = np.clip(filtered, 0.1, 0.8)
    half = range(0, size, 2)
    pool = {1: np.mean, 2: lambda v, axis: np.sqrt((v**2).mean(axis)), None: np.max}[order]
    pooled = np.array([[pool(neighbourhood(rectified, i, j, 5), axis=(1, 2)) for j in half] for i in half])
    pooled = pooled.transpose(2, 0, 1)
    expected = np.empty_like(pooled)
    for i in range(len(half)):
        for j in range(len(half)):
            rms = np.sqrt((neighbourhood(pooled, i, j, 3) ** 2).mean())
            expected[:, i, j] = pooled[:, i, j] * 1.5 / (0.5 + rms)
    with torch.no_grad():
        found = layer(torch.from_numpy(image)[None])[0].numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_filters_are_of_mean_0_and_norm_1():
    weight = Layer(3, LayerPlan(8, 5, 0.0, None, 3, 1, 3, 0.1)).filter.weight.detach().flatten(1)
    np.testing.assert_allclose(weight.mean(dim=1), 0, atol=1e-6)
    np.testing.assert_allclose(weight.norm(dim=1), 1, rtol=1e-5)


def test_levels_can_be_recorded(card):
    model, shapes = build_hmo(card), {}
    for name, module in model.named_modules():
        if name in ("n1", "n2", "n3", "top"):
            module.register_forward_hook(lambda _m, _i, out, name=name: shapes.update({name: tuple(out.shape)}))
    with torch.no_grad():
        assert model(torch.zeros(2, 3, 16, 16)).shape == (2, 1)
    assert shapes == {"n1": (2, 10, 4, 4), "n2": (2, 64, 2, 2), "n3": (2, 64, 1, 1), "top": (2, 1250)}
    assert not model.training


def test_card_and_state_are_all_of_a_network(tmp_path, card):
    model = build_hmo(card)
    images = torch.randn(5, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    calibrate(model, images)
    model.classifier.bias.data += 1
    for name in "ab":
        hmo.write_hmo(model, card, tmp_path / f"{name}.pt", tmp_path / f"{name}.json")
    assert (tmp_path / "a.pt").read_bytes() == (tmp_path / "b.pt").read_bytes()
    again = build_hmo(read_hmo_card(tmp_path / "a.json"))
    with torch.no_grad():
        assert not torch.equal(again(images), model(images))
        load_state(again, tmp_path / "a.pt")
        assert torch.equal(again(images), model(images))


def test_same_card_same_network(card):
    first, second = (build_hmo(card).state_dict() for _ in range(2))
    other = build_hmo(card | {"seed": 2}).state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert torch.equal(first["n1.parts.0.0.filter.weight"], other["n1.parts.0.0.filter.weight"])
    assert not torch.equal(first["n2.filter.weight"], other["n2.filter.weight"])


def test_building_leaves_torchs_random_numbers_alone(card):
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    build_hmo(card)
    assert torch.equal(torch.rand(3), expected)


NO_CARDS = [lambda _: "{", lambda card: json.dumps(card | {"n2": {}}), lambda _: "[]", lambda _: None]


@pytest.mark.parametrize("damage", NO_CARDS)
def test_a_missing_or_damaged_card_is_refused(tmp_path, card, damage):
    text = damage(card)
    if text is not None:
        (tmp_path / "card.json").write_text(text)
    with pytest.raises(InputError, match=r"card\.json: card: not a card of an HMO"):
        read_hmo_card(tmp_path / "card.json")
