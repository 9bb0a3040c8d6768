"""The training engine on tiny networks: what it learns and leaves alone; a killed run continues exactly."""

import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from torch import nn

from ventral.data.splits import assign_splits
from ventral.files import console
from ventral.files.errors import InputError
from ventral.networks.cnn import build_cnn
from ventral.networks.prefetch import prefetched
from ventral.networks.weights import fingerprint
from ventral.scores.metrics.pearson_r import pearson_r
from ventral.training import loop as training_loop
from ventral.training.augment import Augmenter
from ventral.training.engine import fit_mlp, predict, train
from ventral.training.heads import HeadPlan
from ventral.training.loader import Inputs, epoch_batches
from ventral.training.loop import squared_error
from ventral.training.plan import Examples, Plan, make_plan
from ventral.training.trainable import build_encoder

N, SIDE, NEUROIDS = 128, 16, 5
RNG = np.random.default_rng(0)
IMAGES = np.repeat(np.repeat(RNG.integers(0, 256, (N, 4, 4, 3), dtype=np.uint8), 4, axis=1), 4, axis=2)
# Rates in Hz that hang on colours of quarters of the image.
RATES = 20 + IMAGES.reshape(N, 2, 8, 2, 8, 3).mean(axis=(2, 4)).reshape(N, -1)[:, :NEUROIDS] / 10
LINEAR = HeadPlan(grid=2)
PLAN = Plan(batch=16, epochs=4, patience=None, learning_rate=3e-3, stop_share=0.2)


def close(actual, desired, rtol=1e-4, atol=1e-5):
    """As `torch.testing.assert_close`, which takes six seconds to import."""
    np.testing.assert_allclose(actual.detach(), desired.detach(), rtol, atol)


def prepare(images):
    return torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255 - 0.5


def encoder_of(seed=0, *, head=LINEAR, n_categories=0, batch_norm=False):
    cnn = build_cnn(2, channels=(4, 8), kernel=3, batch_norm=batch_norm, seed=seed)
    return build_encoder(cnn, "output", head, prepare(IMAGES[:1]), NEUROIDS, n_categories=n_categories, seed=seed)


def examples(responses=RATES, **labels):
    return Examples(Inputs(IMAGES[: len(responses)], prepare=prepare), responses, **labels)


def trained(plan=PLAN, seed=0, responses=RATES, **options):
    encoder = encoder_of(seed)
    result = train(encoder, examples(responses), replace(plan, seed=seed), **options)
    return encoder, result


def test_training_beats_its_untrained_start():
    _, result = trained(replace(PLAN, epochs=25))
    losses = [row["stop_loss"] for row in result.history]
    assert [row["epoch"] for row in result.history] == list(range(1, 26))
    assert min(losses) < 0.6 * losses[0] and result.history[-1]["train_loss"] < result.history[0]["train_loss"]
    held_out = RATES[result.held_out]
    assert pearson_r(held_out, result.predictions).mean() > 0.6  # 0 before: the mean rate
    assert abs(result.predictions.mean() - held_out.mean()) < 2  # Hz: standardising is undone


def test_weights_of_the_best_epoch_are_restored():
    encoder, result = trained(replace(PLAN, epochs=12, learning_rate=0.05))
    best = min(result.history, key=lambda row: row["stop_loss"])
    assert result.best_epoch == best["epoch"]
    error = (result.predictions - RATES[result.held_out]) / encoder.std.numpy()
    assert np.mean(error**2) == pytest.approx(best["stop_loss"], rel=1e-4)
    np.testing.assert_array_equal(
        result.predictions, predict(encoder, Inputs(IMAGES, np.flatnonzero(result.held_out), prepare))
    )


def test_training_stops_when_patience_is_spent():
    _, result = trained(replace(PLAN, epochs=200, patience=2, learning_rate=0.05))
    assert len(result.history) == result.best_epoch + 2 < 200


def test_held_out_are_a_stratified_part_of_train_with_duplicates_together():
    strata = np.repeat(["dog", "cat"], N // 2)
    groups = (np.arange(N) // 2).astype(str)
    result = train(encoder_of(), examples(strata=strata, groups=groups), replace(PLAN, epochs=1))
    expected = assign_splits(N, {"val": 0, "test": 0.2}, 0, strata, groups) == "test"
    np.testing.assert_array_equal(result.held_out, expected)
    assert (result.held_out[::2] == result.held_out[1::2]).all()


def test_what_is_held_out_is_not_fitted():
    """Other responses of the held-out examples change no weight."""
    one, result = trained(replace(PLAN, epochs=1))
    other = RATES.copy()
    other[result.held_out] = RNG.normal(size=other[result.held_out].shape)
    assert fingerprint(trained(replace(PLAN, epochs=1), responses=other)[0]) == fingerprint(one)


def test_only_what_is_unfrozen_changes():
    plan = replace(PLAN, epochs=2, trainable=("block2",))
    start, encoder = encoder_of(batch_norm=True), encoder_of(batch_norm=True)
    train(encoder, examples(), plan)
    before, after = start.state_dict(), encoder.state_dict()
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert not any("block1" in name for name in changed)
    assert {"backbone.block2.conv.weight", "backbone.block2.norm.running_mean", "head.rates.weight"} <= changed


def test_frozen_features_computed_once_or_anew_train_the_same_head():
    plan = replace(PLAN, trainable=())
    once, anew = encoder_of(), encoder_of()
    train(once, examples(), plan)
    inputs = Inputs(IMAGES, prepare=prepare, memory_mb=0)
    train(anew, Examples(inputs, RATES), plan)
    assert torch.equal(once.backbone.block1.conv.weight, encoder_of().backbone.block1.conv.weight)
    close(once.head.rates.weight, anew.head.rates.weight)


def test_backbone_and_head_have_their_own_rates():
    start, encoder = encoder_of(), encoder_of()
    train(encoder, examples(), replace(PLAN, epochs=1, backbone_learning_rate=0.0, weight_decay=0.0))
    assert torch.equal(start.backbone.block1.conv.weight, encoder.backbone.block1.conv.weight)
    assert not torch.equal(start.head.rates.weight, encoder.head.rates.weight)


def test_same_seed_same_weights_another_seed_others():
    plan = replace(PLAN, epochs=2, shift=1)
    one, same, other = (fingerprint(trained(plan, seed)[0]) for seed in (0, 0, 1))
    assert one == same != other


def test_random_state_of_the_caller_is_untouched():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    trained(replace(PLAN, epochs=1))
    assert torch.equal(torch.rand(3), expected) and not torch.are_deterministic_algorithms_enabled()


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "sgd"])
def test_one_step_is_torchs(optimizer):
    """One batch of everything: weights move as torch's own optimiser moves them on nn.MSELoss."""
    plan = replace(PLAN, epochs=1, batch=N, optimizer=optimizer, clip=0.1)
    encoder, result = trained(plan)
    plain = encoder_of()
    plain.head.standardise.load_state_dict(encoder.head.standardise.state_dict())
    chosen = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW, "sgd": torch.optim.SGD}[optimizer]
    steps = chosen(plain.parameters(), lr=plan.learning_rate, weight_decay=plan.weight_decay)
    y = torch.from_numpy(RATES[~result.held_out])
    y = ((y - y.mean(0)) / y.std(0, correction=0)).float()
    loss = nn.MSELoss()(plain(prepare(IMAGES[~result.held_out]))[0], y)
    loss.backward()
    nn.utils.clip_grad_norm_(plain.parameters(), 0.1)
    steps.step()
    assert result.history[0]["train_loss"] == pytest.approx(loss.item(), rel=1e-5)
    close(plain.head.rates.weight, encoder.head.rates.weight, rtol=1e-3, atol=1e-5)


def test_missing_cells_count_for_nothing():
    predicted, target = torch.randn(6, 4, requires_grad=True), torch.randn(6, 4)
    close(squared_error(predicted, target) / 24, nn.functional.mse_loss(predicted, target))
    target[2] = target[4, 1] = float("nan")
    squared_error(predicted, target).backward()
    assert predicted.grad.isfinite().all() and not predicted.grad[2].any() and not predicted.grad[4, 1]
    kept = target.isfinite()
    close(squared_error(predicted, target), (predicted - target)[kept].square().sum())


def test_groups_of_neuroids_seen_for_different_stimuli_are_trained_together():
    rates = RATES.copy()
    rates[: N // 2, :2] = np.nan
    rates[N // 2 :, 2:] = np.nan
    _, result = trained(replace(PLAN, epochs=25), responses=rates)
    assert np.isfinite(result.predictions).all()
    assert result.history[-1]["stop_loss"] < 0.8 * result.history[0]["stop_loss"]
    rates[:, 3] = np.nan
    with pytest.raises(InputError, match="1 neuroids have no response to the train stimuli, number 3"):
        trained(responses=rates)


def test_constant_neuroid_is_predicted_by_its_mean():
    rates = RATES.copy()
    rates[:, 1] = 7.0
    _, result = trained(replace(PLAN, epochs=20), responses=rates)
    assert np.abs(result.predictions[:, 1] - 7).max() < 1


def test_co_training_weighs_the_cross_entropy():
    categories = (np.arange(N) % 3).astype(int)
    categories[5] = -1
    losses = {}
    with pytest.raises(InputError, match="category_weight: no object categories"):
        trained(replace(PLAN, category_weight=1.0))
    for weight in (0.0, 2.0):
        plan = replace(PLAN, epochs=1, batch=N, category_weight=weight)
        encoder = encoder_of(n_categories=3)
        losses[weight] = train(encoder, examples(categories=categories), plan).history[0]["train_loss"]
    assert losses[2.0] - losses[0.0] == pytest.approx(2 * np.log(3), abs=0.5)


def test_factorised_head_is_trained_with_its_penalty():
    encoder = encoder_of(head=HeadPlan("factorised", sparsity=0.01))
    result = train(encoder, examples(), replace(PLAN, epochs=20, learning_rate=0.01))
    assert result.history[-1]["stop_loss"] < 0.7 * result.history[0]["stop_loss"]


def test_learning_rate_falls_where_asked():
    plan = Plan(schedule="cosine", epochs=8)
    factors = [training_loop.rate_factor(plan, epoch) for epoch in (0, 4, 7.5)]
    assert factors[0] == 1 and factors[1] == pytest.approx(0.5) and 0 < factors[2] < 0.02
    assert training_loop.rate_factor(Plan(), 7) == 1


def test_plan_of_a_config_entry():
    assert make_plan({"trainable": "all"}).trainable == ("*",) and make_plan({"trainable": "none"}).trainable == ()
    plan = make_plan({"trainable": ["layer2", "layer3"], "shift": 3, "epochs": 2})
    assert plan == Plan(trainable=("layer2", "layer3"), shift=3, epochs=2)


# Checkpoints

STALLED = """
import sys, time
from tests.unit.training.test_training import train_with_everything_random
epochs = []
def stall(head, *_):
    if len(epochs) == 2 and head.training:
        print("in the middle of epoch 3", flush=True)
        time.sleep(600)
train_with_everything_random(sys.argv[1], epochs.append, stall)
"""


def train_with_everything_random(folder, report, hook=lambda *_: None):
    """Order, dropout and augmentation, on one thread; the weights' hash."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    encoder = encoder_of(head=HeadPlan("mlp", hidden=(8,), dropout=0.3), batch_norm=True)
    encoder.head.register_forward_hook(hook)
    train(encoder, examples(), replace(PLAN, shift=1), folder=folder, report=report)
    torch.set_num_threads(threads)
    return fingerprint(encoder)


def test_killed_run_ends_with_the_weights_of_an_undisturbed_one(tmp_path):
    undisturbed, resumed = [], []
    weights = train_with_everything_random(tmp_path / "undisturbed", undisturbed.append)
    command = [sys.executable, "-c", STALLED, str(tmp_path / "killed")]
    with subprocess.Popen(command, cwd=Path(__file__).parents[3], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "in the middle of epoch 3\n"
        process.kill()
    assert process.returncode == -signal.SIGKILL
    assert train_with_everything_random(tmp_path / "killed", resumed.append) == weights
    assert resumed == undisturbed[2:] and len(resumed) == 2


def test_finished_training_is_not_repeated(tmp_path, capsys):
    one, first = trained(folder=tmp_path)
    again, second = trained(folder=tmp_path, report=lambda row: pytest.fail("an epoch was run"))
    assert fingerprint(one) == fingerprint(again) and first.history == second.history
    np.testing.assert_array_equal(first.predictions, second.predictions)
    assert "resumes after epoch 4" in capsys.readouterr().err


@pytest.mark.parametrize("other", [replace(PLAN, weight_decay=0.5), replace(PLAN, shift=1)])
def test_checkpoint_of_another_plan_is_set_aside(tmp_path, capsys, other):
    trained(folder=tmp_path)
    fresh = fingerprint(trained(other)[0])
    assert fingerprint(trained(other, folder=tmp_path)[0]) == fresh
    assert (
        "of another configuration, data or initial weights; set aside as checkpoint.old.pt" in capsys.readouterr().err
    )
    assert {path.name for path in tmp_path.iterdir()} == {"checkpoint.pt", "checkpoint.old.pt"}


def test_checkpoint_of_other_data_is_set_aside(tmp_path, capsys):
    trained(replace(PLAN, epochs=1), folder=tmp_path)
    trained(replace(PLAN, epochs=1), folder=tmp_path, responses=RATES + 1)
    assert "training starts afresh" in capsys.readouterr().err


def test_damaged_checkpoint_is_set_aside(tmp_path, capsys):
    plain = fingerprint(trained(folder=tmp_path)[0])
    checkpoint = tmp_path / "checkpoint.pt"
    checkpoint.write_bytes(checkpoint.read_bytes()[:1000])
    assert fingerprint(trained(folder=tmp_path)[0]) == plain
    assert "damaged; set aside" in capsys.readouterr().err


# Faults


def test_loss_that_is_not_finite_is_named():
    with pytest.raises(InputError, match=r"mine: epoch \d+: the loss is (nan|inf).*learning rate 1e\+20.*clip: 1"):
        trained(replace(PLAN, learning_rate=1e20, optimizer="sgd"), name="mine")


def test_batch_of_one_and_batch_norm():
    with pytest.raises(InputError, match=r"batch: 1, but backbone\.block1\.norm is batch norm"):
        train(encoder_of(batch_norm=True), examples(), replace(PLAN, batch=1))
    train(encoder_of(batch_norm=True), examples(), replace(PLAN, batch=1, epochs=1, trainable=()))
    sizes = {len(batch) for batch in epoch_batches(33, 16, 0, 1)}
    assert sizes == {16} and {len(batch) for batch in epoch_batches(3, 1, 0, 1)} == {1}


@pytest.mark.parametrize("n", [1, 3])
def test_too_few_stimuli(n):
    with pytest.raises(InputError, match=f"{n} train stimuli, of which .* are held out"):
        trained(responses=RATES[:n])


def out_of_memory_above(encoder, size, monkeypatch):
    """The encoder, on a device that holds no more than `size` examples while it trains."""
    forward = encoder.forward

    def small(images):
        if encoder.training and len(images) > size:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return forward(images)

    monkeypatch.setattr(encoder, "forward", small)
    return encoder


def test_out_of_memory_halves_the_batch_once_and_says_so(monkeypatch, capsys):
    whole = trained()[0]
    halved = out_of_memory_above(encoder_of(), 8, monkeypatch)
    train(halved, examples(), PLAN, name="mine")
    assert capsys.readouterr().err.count("mine: out of memory, 16 examples go in two halves") == 1
    close(whole.head.rates.weight, halved.head.rates.weight, rtol=1e-3, atol=1e-4)
    with pytest.raises(InputError, match="out of memory with half of 16 too; set batch below 8"):
        train(out_of_memory_above(encoder_of(), 7, monkeypatch), examples(), PLAN)


# Inputs and augmentation


def test_inputs_from_a_file_are_those_in_memory(tmp_path):
    rows = RNG.permutation(N)[:40]
    index = np.array([3, 39, 3, 0])
    with h5py.File(tmp_path / "images.h5", "w") as file:
        images = file.create_dataset("images", data=IMAGES, chunks=(1, SIDE, SIDE, 3))
        kept, anew = Inputs(images, rows, prepare), Inputs(images, rows, prepare, memory_mb=0)
        memory = Inputs(IMAGES, rows, prepare)
        for inputs in (kept, anew, memory):
            assert torch.equal(inputs[index], prepare(IMAGES[rows[index]])) and len(inputs) == 40
        assert kept.fingerprint() == anew.fingerprint() == memory.fingerprint()
    assert memory.fingerprint() != Inputs(IMAGES, rows[::-1], prepare).fingerprint()
    assert memory.fingerprint() != Inputs(IMAGES, rows, lambda images: prepare(images) * 2).fingerprint()


def test_order_depends_on_seed_and_epoch_alone():
    one, same = (np.concatenate(epoch_batches(50, 8, 3, 2)) for _ in range(2))
    np.testing.assert_array_equal(one, same)
    assert sorted(one) == list(range(50))
    assert (one != np.concatenate(epoch_batches(50, 8, 3, 1))).any()
    assert (one != np.concatenate(epoch_batches(50, 8, 2, 2))).any()


def test_prefetching_keeps_order_and_passes_errors_on():
    assert list(prefetched(map(lambda key: key * 2, range(10)), 3)) == list(range(0, 20, 2))
    with pytest.raises(ZeroDivisionError):
        list(prefetched(map(lambda key: 1 / key, [2, 1, 0]), 3))


def test_shift_moves_the_image_and_repeats_its_border():
    images = prepare(IMAGES)
    augment = Augmenter(2, N, seed=0, epoch=1)
    index = np.array([5, 9])
    out = augment(images[index], index)
    for image, moved, (dy, dx) in zip(images[index], out, augment.shifts[index], strict=True):
        y, x = np.clip(np.arange(SIDE) + dy, 0, SIDE - 1), np.clip(np.arange(SIDE) + dx, 0, SIDE - 1)
        assert torch.equal(moved, image[:, y][:, :, x])
    assert np.abs(augment.shifts).max() == 2
    close(augment(images[index[1:]], index[1:]), out[1:])  # whatever else is in the batch


def test_images_stay_as_they_are_without_a_shift():
    images = prepare(IMAGES)
    assert Augmenter(0, N, 0, 1)(images, np.arange(N)) is images


# Deep heads on components


def test_deep_head_learns_what_a_line_cannot():
    features = RNG.normal(size=(600, 6)) * [5, 1, 1, 1, 1, 1]
    responses = np.stack([features[:, 0] / 5 * features[:, 1], np.abs(features[:, 2])], axis=1)
    responses[:40, 0] = np.nan
    plan = Plan(learning_rate=5e-3, batch=50, epochs=30)
    options = {"head": HeadPlan("mlp", hidden=(64, 32)), "plan": plan}
    fitted = fit_mlp(features[:500], responses[:500], seed=0, **options)
    assert pearson_r(responses[500:], fitted.predict(features[500:])).min() > 0.6
    held_out = fitted.training.held_out
    assert fitted.training.predictions.shape == (50, 2) and held_out.sum() == 50
    np.testing.assert_array_equal(fitted.training.predictions, fitted.predict(features[:500])[held_out])
    same = fit_mlp(features[:500], responses[:500], seed=0, **options)
    assert fingerprint(fitted.encoder) == fingerprint(same.encoder)
    scaled = fit_mlp(1000 * features[:500] + 7, responses[:500], seed=0, **options)
    np.testing.assert_allclose(scaled.training.predictions, fitted.training.predictions, atol=0.2)


def test_progress_names_epoch_losses_rate_and_time_left(monkeypatch, capsys):
    monkeypatch.setattr(console, "SECONDS_BETWEEN_LINES", 0.0)
    trained(name="mine")
    lines = capsys.readouterr().err.splitlines()
    assert any("mine: epoch 2 of 4, batch 1 of 7; last loss" in line and "s left" in line for line in lines)
    assert "rate 0.003" in lines[-1] and lines[-1].startswith("mine: best epoch")
