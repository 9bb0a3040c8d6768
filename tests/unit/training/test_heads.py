"""Readout heads against the sums that they compute, and layers taken from a backbone."""

import numpy as np
import pytest
import torch
from torch import nn

from ventral.files.errors import InputError
from ventral.networks.weights import fingerprint
from ventral.training.heads import Factorised, HeadPlan, Standardise, build_head, channels_first, make_head_plan
from ventral.training.trainable import Encoder, build_encoder, features_at

MAPS = torch.from_numpy(np.random.default_rng(0).normal(size=(5, 6, 4, 3)).astype(np.float32))
IMAGES = torch.from_numpy(np.random.default_rng(1).normal(size=(4, 3, 8, 8)).astype(np.float32))


def close(actual, desired, rtol=1e-4, atol=1e-5):
    """As `torch.testing.assert_close`, which takes six seconds to import."""
    np.testing.assert_allclose(actual.detach(), desired.detach(), rtol, atol)


class Recurrent(nn.Module):
    """A module that runs twice, one that returns several tensors, and one that never runs."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(inplace=True))
        self.again = nn.Conv2d(4, 4, 3, padding=1)
        self.pair = Pair()
        self.idle = nn.Linear(1, 1)

    def forward(self, x):
        x = self.first(x)
        x = self.again(self.again(x))
        return {"a": self.pair(x)[0], "b": x.mean(dim=(2, 3))}


class Pair(nn.Module):
    def forward(self, x):
        return x, [], -x


def backbone():
    torch.manual_seed(0)
    return Recurrent().eval()


def test_factorised_is_the_double_sum_of_the_paper():
    torch.manual_seed(0)
    head = Factorised((6, 4, 3), 7, sparsity=0.1, smoothness=0.2)
    nn.init.normal_(head.weight)
    mask, weight, bias = (value.detach().numpy() for value in (head.mask, head.weight, head.bias))
    by_hand = np.einsum("bchw,nhw,nc->bn", MAPS.numpy(), mask, weight) + bias
    np.testing.assert_allclose(head(MAPS).detach(), by_hand, rtol=1e-4, atol=1e-6)
    sparse = torch.stack([head.mask[n].abs().sum() * head.weight[n].abs().sum() for n in range(7)]).mean()
    rough = (head.mask[:, 1:] - head.mask[:, :-1]).square().sum() + (
        head.mask[:, :, 1:] - head.mask[:, :, :-1]
    ).square().sum()
    close(head.penalty(), 0.1 * sparse + 0.2 * 12 * rough / 7)


@pytest.mark.parametrize("kind", ["linear", "mlp", "factorised"])
def test_untrained_head_predicts_the_mean(kind):
    assert not build_head(HeadPlan(kind), MAPS, 7, seed=0)(MAPS)[0].any()


@pytest.mark.parametrize(("grid", "width"), [(1, 6), (2, 24), (None, 72)])
def test_linear_head_reads_the_grid_it_is_given(grid, width):
    head = build_head(HeadPlan("linear", grid=grid), MAPS, 7, seed=0)
    rates, logits = head(MAPS)
    assert head.rates.in_features == width and rates.shape == (5, 7) and logits is None and head.penalty() is None
    if grid == 1:
        nn.init.normal_(head.rates.weight)
        close(head(MAPS)[0], head.rates(MAPS.mean(dim=(2, 3))))


@pytest.mark.parametrize("kind", ["linear", "mlp", "factorised"])
def test_co_trained_heads_give_logits(kind):
    plan = HeadPlan(kind, hidden=(8, 4), dropout=0.5)
    rates, logits = build_head(plan, MAPS, 7, n_categories=3, seed=0).eval()(MAPS)
    assert rates.shape == (5, 7) and logits.shape == (5, 3)


def test_mlp_head_has_the_hidden_layers_asked_for():
    head = build_head(make_head_plan({"kind": "mlp", "hidden": [8, 4]}), MAPS, 7, seed=0)
    sizes = [(part.in_features, part.out_features) for part in head.modules() if isinstance(part, nn.Linear)]
    assert sizes == [(6, 8), (8, 4), (4, 7)]


def test_same_seed_same_head():
    one, same, other = (build_head(HeadPlan("mlp"), MAPS, 7, seed=seed) for seed in (0, 0, 1))
    assert fingerprint(one) == fingerprint(same) != fingerprint(other)


def test_tokens_and_channels_last_are_turned():
    assert channels_first(torch.zeros(2, 50, 12)).shape == (2, 12, 50)
    assert channels_first(torch.zeros(2, 7, 7, 12)).shape == (2, 12, 7, 7)
    assert channels_first(torch.zeros(2, 12, 7, 7)).shape == (2, 12, 7, 7)
    rates, _ = build_head(HeadPlan(), torch.zeros(1, 50, 12), 3, seed=0)(torch.ones(2, 50, 12))
    assert rates.shape == (2, 3)


@pytest.mark.parametrize("plan", [HeadPlan("factorised"), HeadPlan(grid=2)])
def test_head_that_needs_a_map_says_so(plan):
    with pytest.raises(InputError, match=r"needs features with a height and a width.*earlier layer"):
        build_head(plan, torch.zeros(1, 6), 7, seed=0)


def test_standardise_centres_channels_and_keeps_their_ratios():
    scaled = MAPS * torch.arange(1, 7)[:, None, None] + 100
    standardise = Standardise(6)
    standardise.measure(scaled[part] for part in ([0, 1], [2, 3, 4]))
    out = standardise(scaled)
    close(out.mean(dim=(0, 2, 3)), torch.zeros(6), atol=1e-4, rtol=0)
    close(out.square().mean(), torch.tensor(1.0), atol=1e-4, rtol=0)
    spread = scaled.transpose(0, 1).flatten(1).std(dim=1) / out.transpose(0, 1).flatten(1).std(dim=1)
    close(spread, spread[:1].expand(6))


def test_standardise_leaves_constant_features_alone():
    standardise = Standardise(2)
    standardise.measure([torch.full((4, 2), 0.1)])
    assert standardise(torch.full((4, 2), 0.1)).abs().max() < 1e-7


def test_layers_are_taken_by_name_run_and_item():
    model = backbone()
    first = model.first(IMAGES)
    once = model.again(first)
    twice = model.again(once)
    expected = {
        "first": first,
        "first.0": model.first[0](IMAGES),
        "again": once,
        "again-t0": once,
        "again-t1": twice,
        "pair:1": -twice,
        "output:1": twice.mean(dim=(2, 3)),
    }
    for layer, value in expected.items():
        close(features_at(model, layer, IMAGES), value)
        assert not any(module._forward_hooks for module in model.modules())


def test_nothing_runs_after_the_layer():
    model = backbone()
    model.again.register_forward_hook(lambda *_: pytest.fail("ran"))
    features_at(model, "first.1", IMAGES)


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        ("second", r"no layer 'second'; the layers are first, first\.0.*output"),
        ("idle", "idle does not run for an image"),
        ("again-t2", "again-t2 runs 2 times for an image"),
        ("pair", "pair gives 2 tensors; choose pair:0, pair:1"),
        ("output", "output gives 2 tensors"),
    ],
)
def test_layers_that_cannot_be_taken(layer, message):
    with pytest.raises(InputError, match=message):
        build_encoder(backbone(), layer, HeadPlan(), IMAGES, 7, seed=0)


def encoder_on(layer: str) -> Encoder:
    return build_encoder(backbone(), layer, HeadPlan(), IMAGES, 7, seed=0)


def test_frozen_parts_stay_in_evaluation_mode():
    encoder = encoder_on("again")
    encoder.freeze(("again",))
    encoder.train()
    trained = {name for name, parameter in encoder.named_parameters() if parameter.requires_grad}
    assert trained == {"backbone.again.weight", "backbone.again.bias", "head.rates.weight", "head.rates.bias"}
    assert encoder.backbone.again.training and encoder.head.training and not encoder.backbone.first[1].training
    assert {name for name in encoder.changing() if name.startswith("backbone")} == {
        "backbone.again.weight",
        "backbone.again.bias",
    }
    encoder.freeze(("*",))
    assert set(encoder.changing()) == set(encoder.state_dict()) and encoder.backbone.training
    encoder.freeze(("fir*",))
    assert encoder.backbone.first[1].training and not encoder.backbone.again.weight.requires_grad
    assert "backbone.first.1.running_mean" in encoder.changing()
    encoder.freeze(())
    assert not any(name.startswith("backbone") for name in encoder.changing())


def test_pattern_without_a_module():
    with pytest.raises(InputError, match=r"no module matches 'layer\*'; its modules are first"):
        encoder_on("again").freeze(("layer*",))
