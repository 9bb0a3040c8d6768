"""Networks trained on faces: the training loop against a plain one, and networks of every shape on the task."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from tests.unit.faces.discs import images_of_discs
from ventral.faces.hmo import train_on_task
from ventral.faces.rivals import train_rival
from ventral.faces.task import FaceTask
from ventral.faces.training import FROM_SCRATCH, LEARNING_RATE, WEIGHT_DECAY, face_log_odds, learn_faces, train_on_faces
from ventral.files.errors import InputError
from ventral.networks.cnn import build_cnn
from ventral.networks.zoo import Network

CPU = torch.device("cpu")
GREY = (0.5, 0.5, 0.5)


@pytest.fixture(scope="module")
def discs():
    return images_of_discs(60)


def network(model: nn.Module, size: int = 16) -> Network:
    return Network("net", model.eval(), ("output",), size, GREY, GREY)


def test_the_loop_is_adamw_over_one_cycle_on_the_cross_entropy():
    torch.manual_seed(0)
    maps, face = torch.randn(20, 3, 1, 1), (torch.arange(20) % 3 == 0).float()  # of one place: no shift, no mirror
    ours, plain = nn.Linear(3, 1), nn.Linear(3, 1)
    plain.load_state_dict(ours.state_dict())
    losses = learn_faces(ours, lambda x: ours(x[:, :, 0, 0]), lambda i, _: maps[i], face, epochs=5, seed=0)
    optimiser = torch.optim.AdamW(plain.parameters(), LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, LEARNING_RATE, total_steps=5)
    for expected in losses:
        loss = functional.binary_cross_entropy_with_logits(plain(maps[:, :, 0, 0])[:, 0], face)
        assert loss.item() == pytest.approx(expected, abs=1e-6)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    torch.testing.assert_close(ours.weight, plain.weight)


def test_frozen_parameters_stay_and_images_come_mirrored_and_shifted():
    model = nn.Sequential(nn.Conv2d(1, 1, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    model[0].bias.requires_grad_(False)
    before, seen = model[0].bias.clone(), []
    images = torch.arange(64.0).reshape(1, 1, 8, 8).repeat(4, 1, 1, 1)

    def draw(index, mirrored):
        return torch.where(mirrored, images[index].flip(3), images[index])

    def judge(batch):
        seen.extend(batch)
        return model(batch)

    learn_faces(model, judge, draw, torch.ones(4), epochs=30, seed=0)
    assert torch.equal(model[0].bias, before) and not model.training
    views = {
        image.roll((down, right), (1, 2)).numpy().tobytes()
        for image in (images[0], images[0].flip(2))
        for down in (-1, 0, 1)
        for right in (-1, 0, 1)
    }
    found = {image.numpy().tobytes() for image in seen}
    assert found <= views and len(found) > 9  # both ways round, and in more than one place


def test_discs_are_told_and_a_second_run_is_the_same(discs):
    images, face = discs
    states = []
    for _ in range(2):
        net = network(build_cnn(2, batch_norm=True, seed=0))
        classifier, losses = train_on_faces(net, images[:40], face[:40], epochs=25, seed=0, device=CPU)
        states.append(net.model.state_dict())
    assert len(losses) == 25 and losses[-1] < 0.8 * losses[0]
    odds = face_log_odds(classifier, net, images[40:], CPU)
    assert odds.shape == (20,) and ((odds > 0) == face[40:]).mean() >= 0.9
    assert all(torch.equal(one, other) for one, other in zip(*(s.values() for s in states), strict=True))
    assert not net.model.training and states[0]["block1.norm.num_batches_tracked"] == 50


class Several(nn.Module):
    """Two tensors, as of networks with an auxiliary classifier."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = nn.Linear(768, 5), nn.Linear(768, 2)

    def forward(self, x):
        return self.one(x.flatten(1)), self.two(x.flatten(1))


class Tokens(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, 6, 8, 8)

    def forward(self, x):
        return self.patches(x).flatten(2).transpose(1, 2)


class Nothing(nn.Module):
    def forward(self, x):
        return "a face"


@pytest.mark.parametrize("make", [Several, Tokens, lambda: nn.Conv2d(3, 4, 3), lambda: nn.Sequential(nn.Flatten())])
def test_a_classifier_stands_on_whatever_a_network_returns(discs, make):
    torch.manual_seed(0)
    images, face = discs
    net = network(make())
    before = {name: value.clone() for name, value in net.model.state_dict().items()}
    classifier, _ = train_on_faces(net, images[:8], face[:8], epochs=2, seed=0, device=CPU)
    assert np.isfinite(face_log_odds(classifier, net, images[:8], CPU)).all()
    changed = {name for name, value in net.model.state_dict().items() if not torch.equal(value, before[name])}
    assert changed == {name for name in before if not name.startswith("two")}  # all that the first tensor is made of


def test_a_network_without_a_tensor_is_refused(discs):
    with pytest.raises(InputError, match="gives 0 tensors"):
        train_on_faces(network(Nothing()), discs[0][:4], discs[1][:4], epochs=1, seed=0, device=CPU)


# Scored on a task


def task_of_discs(face):
    """40 images to learn from, the rest split into val and test."""
    n = len(face)
    sets = np.where(np.arange(n) < 40, "train", np.where(np.arange(n) % 3 == 0, "val", "test"))
    return FaceTask(face, sets, np.where(face, "face", "nonface"), np.array([f"s{i}" for i in range(n)]))


def gains(scores):
    """Accuracy by classifier on all images of a set."""
    return scores[scores["category"] == "all"].pivot(index="set", columns="classifier", values="accuracy")


def test_a_rival_is_scored_on_every_set_beside_the_baselines(discs):
    images, face = discs
    settings = {"architecture": "cornet_z", "image_size": 32, "seed": 4}
    options = {"image_size": 16, "epochs": 2, "device": CPU}
    rival, same = (train_rival("net", settings, images, task_of_discs(face), seed=s, **options) for s in (0, 1))
    assert list(rival.losses["epoch"]) == list(range(1, 2 * FROM_SCRATCH + 1))
    np.testing.assert_array_equal(rival.losses, same.losses)  # the entry's own seed counts
    accuracy = gains(rival.scores)
    assert set(accuracy.columns) == {"net", "pixels", "majority", "net - pixels", "net - majority"}
    assert (accuracy.loc[["val", "test"], "majority"] >= 0.4).all() and not rival.model.training


def test_hmo_is_trained_on_train_images_alone(discs):
    images, face = discs
    task = task_of_discs(face)
    options = {"modules": 3, "selection": "random", "chosen": 2, "epochs": 3, "train_filters": False, "seed": 0}
    trained, scores = train_on_task(images, task, image_size=16, device=CPU, **options)
    other = images.copy()
    other[~task.train] = 0
    again, _ = train_on_task(other, task, image_size=16, device=CPU, **options)
    one, two = trained.model.state_dict(), again.model.state_dict()
    assert all(torch.equal(value, two[name]) for name, value in one.items()) and trained.card == again.card
    assert {"hmo", "pixels", "majority"} <= set(gains(scores).columns) and len(trained.candidates) == 3
