"""How HMO is made: modules are chosen by cross-validated classification, then levels are trained."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import Ridge

from tests.unit.faces.discs import images_of_discs
from ventral.faces.hmo import (
    PENALTIES,
    calibrate,
    choose_modules,
    held_out,
    log_odds,
    module_gram,
    run,
    summarise,
    to_input,
    train_hmo,
    weighted_accuracy,
)
from ventral.gram.matrix import gram_of
from ventral.networks.hmo import LayerPlan, build_hmo, build_module, make_card

PLAN = (LayerPlan(4, 3, 0.0, None, 3, 2, 3, 0.1),)
SETTINGS = {"modules": 4, "selection": "random", "chosen": 2, "epochs": 6, "train_filters": False, "seed": 0}


@pytest.fixture(scope="module")
def discs():
    return images_of_discs(40)


def test_input_is_square_and_from_minus_1_to_1():
    images = np.full((40, 8, 8, 3), 255, dtype=np.uint8)
    images[0] = 0
    found = to_input(images, 4)
    assert found.shape == (40, 3, 4, 4)
    assert (found[0] == -1).all() and (found[1:] == 1).all()


def test_gram_of_modules_side_by_side_is_the_sum_of_theirs(discs):
    images = to_input(discs[0], 16)
    modules = [build_module(PLAN, seed) for seed in (0, 1)]
    features = []
    for module in modules:
        x = torch.cat([summarise(maps) for maps in run(module, images)]).double().numpy()
        x = (x - x.mean(axis=0)) / x.std(axis=0)
        features.append(x / np.linalg.norm(x))
    total = sum(module_gram(module, images) for module in modules)
    np.testing.assert_allclose(total, gram_of(np.concatenate(features, axis=1)).inner, atol=1e-9)


def test_a_dead_module_tells_nothing(discs):
    images = to_input(discs[0], 16)
    dead = build_module((LayerPlan(4, 3, 1e3, None, 3, 1, 3, 0.1),), 0)
    inner = module_gram(dead, images)
    assert not inner.any()
    target = np.where(np.arange(40) < 25, 1.0, -1.0)
    assert weighted_accuracy(held_out(inner, target), target) == 25 / 40


def test_held_out_is_ridge_left_out_one_by_one():
    rng = np.random.default_rng(1)
    x, target = rng.normal(size=(14, 5)), np.where(rng.random(14) < 0.5, 1.0, -1.0)
    inner = gram_of(x).inner
    scale = np.linalg.eigvalsh(inner)[-5:].mean()
    every = np.arange(14)
    best = min(
        (
            np.array([Ridge(a * scale).fit(x[every != i], target[every != i]).predict(x[[i]])[0] for i in every])
            for a in PENALTIES
        ),
        key=lambda values: ((values - target) ** 2).sum(),
    )
    np.testing.assert_allclose(held_out(inner, target), best, atol=1e-8)


def features_gram(x):
    inner = gram_of(np.asarray(x, dtype=float)).inner
    return inner / np.trace(inner)


def test_random_takes_the_best_and_boosting_the_complement():
    rng = np.random.default_rng(2)
    target = np.where(np.arange(60) % 2 == 0, 1.0, -1.0)
    part = np.arange(60) < 42  # the first two modules tell these, the third the others
    one = np.where(part, target, 0)[:, None] + 0.1 * rng.normal(size=(60, 1))
    two = one + 0.02 * rng.normal(size=(60, 1))
    three = np.where(part, 0, target)[:, None] + 0.1 * rng.normal(size=(60, 1))
    inners = [features_gram(x) for x in (three, one, two)]
    assert sorted(choose_modules(inners, target, 2, "random")) == [1, 2]
    first, second = choose_modules(inners, target, 2, "boosting")
    assert first in (1, 2) and second == 0
    assert sorted(choose_modules(inners, target, 9, "boosting")) == [0, 1, 2]


def test_n1_is_standardised(discs):
    images = to_input(discs[0], 16)
    model = build_hmo(make_card([PLAN, PLAN], [0, 1], 16, seed=0))
    calibrate(model, images)
    maps = torch.cat(list(run(model.n1, images)))
    np.testing.assert_allclose(maps.mean(dim=(0, 2, 3)), 0, atol=1e-4)
    np.testing.assert_allclose(maps.std(dim=(0, 2, 3), correction=0), 1, rtol=1e-3)


def test_discs_are_told_and_a_second_run_is_the_same(discs):
    images, face = discs
    x = to_input(images, 16)
    first, second = (train_hmo(x[:30], face[:30], **SETTINGS) for _ in range(2))
    assert ((log_odds(first.model, x[30:]) > 0) == face[30:]).mean() >= 0.9
    assert first.card == second.card and first.candidates == second.candidates
    for one, other in zip(first.model.state_dict().values(), second.model.state_dict().values(), strict=True):
        assert torch.equal(one, other)
    assert sorted(row["rank"] for row in first.candidates if row["rank"]) == [1, 2]
    assert not first.model.training


@pytest.mark.parametrize("train_filters", [False, True])
def test_filters_of_n1_are_trained_if_asked(discs, train_filters):
    x = to_input(discs[0], 16)
    settings = SETTINGS | {"epochs": 1, "modules": 2, "chosen": 1, "train_filters": train_filters}
    trained = train_hmo(x, discs[1], **settings)
    drawn, now = build_hmo(trained.card).state_dict(), trained.model.state_dict()
    changed = {name for name in drawn if not torch.equal(drawn[name], now[name])}
    assert ("n1.parts.0.0.filter.weight" in changed) == train_filters
    assert {"n2.filter.weight", "n3.filter.weight", "top.features.weight", "classifier.weight"} <= changed


def test_modules_are_chosen_by_distinct_images(discs):
    x, face = to_input(discs[0], 16), discs[1]
    settings = SETTINGS | {"epochs": 1}
    half = np.arange(40) < 20
    scores = [train_hmo(x[:k], face[:k], distinct=kept, **settings).candidates for k, kept in ((40, half), (20, None))]
    assert scores[0] == scores[1]
