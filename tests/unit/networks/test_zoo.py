"""Networks by name and from a user's own code: weights, images, layers, and one line if there is no such network."""

import os
import sys

import pytest
import torch
from torch import nn

from ventral.files.errors import InputError
from ventral.networks.layers import MOST, auto_layers, expand_layers, match, tensors_of
from ventral.networks.own import IMAGENET_MEAN
from ventral.networks.weights import fingerprint, write_state
from ventral.networks.zoo import IN_PLACE, build_network, find_architecture

SQUEEZENET = "squeezenet1_1"  # the smallest of torchvision


def build(architecture, weights="random", layers="auto", *, weights_file=None, seed=0, **more):
    settings = {"architecture": architecture, "weights": weights, "layers": layers} | more
    return build_network("n", settings, weights_file=weights_file, seed=seed)


def conv(channels_in: int, channels: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(channels_in, channels, 3, 2), nn.ReLU())


class Blocks(nn.Module):
    """Blocks under a name that nobody else gives them, and a part that does not run."""

    def __init__(self) -> None:
        super().__init__()
        self.entrance = nn.Conv2d(3, 4, 1)
        self.idle = nn.Linear(1, 1)
        self.rooms = nn.ModuleList(conv(4, 4) for _ in range(4))
        self.exit = nn.Linear(4, 2)

    def forward(self, x):
        x = self.entrance(x)
        for room in self.rooms:
            x = room(x)
        return self.exit(x.mean((2, 3)))


class Branches(nn.Module):
    """Every branch a list of blocks, as in networks of several scales."""

    def __init__(self) -> None:
        super().__init__()
        self.stages = nn.ModuleList(nn.ModuleList([conv(3, 3), conv(3, 3)]) for _ in range(2))

    def forward(self, x):
        for stage in self.stages:
            for block in stage:
                x = block(x)
        return x


class Wrapped(nn.Module):
    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x):
        return self.inner(x)


class Mean(nn.Module):
    def forward(self, x):
        return x.mean((2, 3))


# By name.


def test_a_network_of_torchvision():
    network = build(f"torchvision/{SQUEEZENET}")
    assert (network.image_size, network.mean, network.interpolation) == (224, IMAGENET_MEAN, "bilinear")
    assert network.weights == "random" and not network.model.training
    assert network.layers[0] == "features.0" and len(network.layers) <= MOST
    again, other = build(SQUEEZENET), build(SQUEEZENET, seed=1)
    assert network.weights_sha256 == again.weights_sha256 == fingerprint(network.model)
    assert network.weights_sha256 != other.weights_sha256


def test_weights_from_a_file_and_under_their_names(tmp_path):
    trained = build(SQUEEZENET, seed=5)
    file = str(tmp_path / "w.pth")
    torch.save(trained.model.state_dict(), file)
    for weights, said in (("pretrained", "pretrained"), ("IMAGENET1K_V1", "IMAGENET1K_V1"), (file, "file")):
        network = build(f"torchvision/{SQUEEZENET}", weights, weights_file=file)
        assert (network.weights, network.weights_sha256) == (said, trained.weights_sha256)
    assert build(SQUEEZENET, "https://a.org/w.pth", weights_file=file).weights == "file"
    for weights in ("pretrained", "IMAGENET1K_V1", "https://a.org/w.pth"):
        network = build(SQUEEZENET, weights)
        assert (network.weights, network.weights_sha256) == (IN_PLACE, build(SQUEEZENET).weights_sha256)


def test_weights_that_a_package_carries_and_none():
    assert build("efficientnet_lite0", "pretrained", ["_conv_stem"]).weights == "pretrained"
    assert build("pixels").weights == "none"


def test_weights_that_the_study_trains_on_faces(tmp_path):
    file = tmp_path / "state.pt"
    remedies = {None: "give the state dict that a study left", str(file): f"run `snakemake --cores all {file}` first"}
    for weights_file, remedy in remedies.items():
        with pytest.raises(InputError) as error:
            build(SQUEEZENET, "faces", weights_file=weights_file)
        problem = "networks.n.weights: a study trains it to detect faces, and has not yet"
        assert str(error.value).endswith(f"{problem}; {remedy}")
    trained = build(SQUEEZENET, seed=5)
    write_state(trained.model, file)
    network = build(SQUEEZENET, "faces", weights_file=str(file))
    assert (network.weights, network.weights_sha256) == ("trained on faces", trained.weights_sha256)


def test_a_simple_cnn():
    first, again, other = build("cnn"), build("cnn"), build("cnn", seed=1)
    assert first.weights_sha256 == again.weights_sha256 != other.weights_sha256
    assert (first.layers, first.image_size, first.weights) == (("block1", "block2", "block3"), 64, "random")
    assert first.model(torch.zeros(1, 3, 32, 32)).shape == (1, 64, 4, 4)


@pytest.mark.parametrize(
    "architecture, weights, expected",
    [
        ("resnet50", "random", (224, "bilinear")),
        ("resnet50", "IMAGENET1K_V2", (224, "bilinear")),
        ("vit_b_16", "IMAGENET1K_SWAG_E2E_V1", (384, "bicubic")),
        ("inception_v3", "pretrained", (299, "bilinear")),
        ("timm/resnet50", "random", (224, "bicubic")),
        ("vit_base_patch14_dinov2", "pretrained", (518, "bicubic")),
        ("timm/resnet50", "tv_in1k", (224, "bilinear")),
        ("timm/vit_base_patch16_224.augreg_in1k", "pretrained", (224, "bicubic")),
    ],
)
def test_images_are_as_the_weights_want_them(architecture, weights, expected):
    plan = find_architecture({"architecture": architecture, "weights": weights}, "networks.n")
    assert (plan.image_size, plan.interpolation) == expected
    with torch.device("meta"):
        plan.build()


def test_means_that_are_not_those_of_imagenet():
    clip = find_architecture({"architecture": "vit_base_patch16_clip_224", "weights": "random"}, "networks.n")
    assert clip.mean == pytest.approx((0.4815, 0.4578, 0.4082), abs=1e-4)
    assert clip.std == pytest.approx((0.2686, 0.2613, 0.2758), abs=1e-4)
    assert build("pixels", mean=[0.5, 0.5, 0.5], std=[2, 2, 2]).std == (2, 2, 2)


@pytest.mark.parametrize("architecture, size", [("timm/test_vit", 96), ("vit_b_32", 64), ("timm/test_resnet", 64)])
def test_another_image_size(architecture, size):
    with torch.device("meta"):
        plan = find_architecture({"architecture": architecture, "weights": "random", "image_size": size}, "n")
        assert plan.build().eval()(torch.zeros(1, 3, size, size)).shape == (1, 1000)


def test_weights_of_a_vit_fit_another_image_size(tmp_path):
    torch.save(build("timm/test_vit").model.state_dict(), tmp_path / "w.pth")
    network = build("timm/test_vit", str(tmp_path / "w.pth"), image_size=96, weights_file=str(tmp_path / "w.pth"))
    assert network.image_size == 96 and network.model.pos_embed.shape[1] == 1 + (96 // 16) ** 2


# The user's own.


@pytest.fixture
def own(tmp_path, monkeypatch):
    """A folder with `nets.py`, where the study runs."""
    (tmp_path / "helper_of_nets.py").write_text("WIDTH = 4\n")
    (tmp_path / "nets.py").write_text(
        "import torch\nfrom torch import nn\nfrom helper_of_nets import WIDTH\n"
        "def small():\n    return nn.Sequential(nn.Conv2d(3, WIDTH, 3), nn.ReLU())\n"
        "def fixed():\n    net = nn.Conv2d(3, 3, 1, bias=False)\n    nn.init.ones_(net.weight)\n    return net\n"
        "def needs(width):\n    return small()\n"
        "def text():\n    return 'a network'\n"
        "def lines():\n    raise RuntimeError('one\\ntwo')\n"
        "class Stripes(nn.Module):\n    def forward(self, x):\n        return x[:, :, ::2]\n"
        "number = 3\n"
    )
    (tmp_path / "broken.py").write_text("import a_library_nobody_has\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    yield tmp_path
    for name in ("nets", "own_nets", "helper_of_nets", "broken", "own_broken"):
        sys.modules.pop(name, None)


def test_a_network_of_ones_own(own):
    network = build("nets.py:small")
    assert network.layers == ("0", "1")
    assert (network.image_size, network.mean, network.weights) == (224, IMAGENET_MEAN, "random")
    assert build("nets:small").weights_sha256 == network.weights_sha256 != build("nets:small", seed=1).weights_sha256
    assert build(f"{own}/nets.py:fixed").weights == "as built"
    assert build("nets:Stripes").weights == "none"
    assert build("nets:Stripes").layers == ("output",)
    torch.save(build("nets:small", seed=3).model.state_dict(), "w.pth")
    assert build("nets.py:small", "w.pth", image_size=32).weights == "file"


@pytest.mark.parametrize("source", ["nets.py:small", "nets:small"])
def test_code_of_ones_own_counts_by_its_content(own, monkeypatch, source):
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    text, found = (own / "nets.py").read_text(), []
    for changed in (text, text.replace("WIDTH, 3", "WIDTH, 1")):  # as long, and of the same date
        (own / "nets.py").write_text(changed)
        os.utime(own / "nets.py", (1e9, 1e9))
        found.append(build(source).weights_sha256)
        for name in ("nets", "own_nets"):
            sys.modules.pop(name, None)
    assert found[0] != found[1] and not sys.dont_write_bytecode


@pytest.mark.parametrize(
    "architecture, fault",
    [
        ("nett.py:small", "no such file 'nett.py'; give package.module:function or path/to/file.py:function"),
        ("nett:small", "cannot import nett: ModuleNotFoundError: No module named 'nett'; give package.module"),
        ("broken.py:small", "cannot import broken.py: ModuleNotFoundError: No module named 'a_library_nobody_has'"),
        ("nets.py:smal", "no function 'smal' in nets.py; give package"),
        ("nets:number", "no function 'number' in nets; give package"),
        ("nets.py:needs", "nets.py:needs fails: TypeError: needs() missing 1 required positional argument: 'width'"),
        ("nets.py:lines", "nets.py:lines fails: RuntimeError: one two; correct the function"),
        ("nets.py:text", "nets.py:text returns str, no torch.nn.Module; return the network"),
    ],
)
def test_own_code_that_makes_no_network(own, architecture, fault):
    with pytest.raises(InputError) as error:
        build(architecture)
    assert str(error.value).startswith(f"config: networks.n.architecture: {fault}")
    assert "\n" not in str(error.value)


def test_a_network_that_does_not_run_on_images(own):
    (own / "narrow.py").write_text("from torch import nn\ndef net():\n    return nn.Sequential(nn.Linear(5, 2))\n")
    with pytest.raises(InputError, match=r"does not run on images of shape \(2, 3, 8, 8\): RuntimeError: .*; correct"):
        build("narrow.py:net", image_size=8)


# Faults of an entry.


@pytest.mark.parametrize(
    "entry, fault",
    [
        ({"architecture": "resnet5"}, "architecture: no 'resnet5'; did you mean resnet50?"),
        ({"architecture": "timm/resnett50"}, "architecture: no 'timm/resnett50'; did you mean resnet50?"),
        ({"architecture": "torchvision/vit_base_patch16_224"}, "architecture: no 'torchvision/vit_base_patch16_224'; "),
        (
            {"architecture": "hub/resnet50"},
            "architecture: no 'hub/resnet50'; give torchvision/NAME, timm/NAME, or path",
        ),
        ({"architecture": SQUEEZENET, "weights": "V9"}, f"weights: {SQUEEZENET} of torchvision has no weights 'V9'; "),
        (
            {"architecture": "timm/test_vit", "weights": "V9"},
            "weights: test_vit of timm has no weights 'V9'; known are: ",
        ),
        ({"architecture": "timm/test_vit.no"}, "architecture: test_vit of timm has no weights 'no'; known are: "),
        (
            {"architecture": "timm/test_vit", "image_size": 90},
            "architecture: does not run on images of shape (2, 3, 90, 90): ",
        ),
        ({"architecture": "vit_b_16", "image_size": 90}, "image_size: vit_b_16: "),
        (
            {"architecture": SQUEEZENET, "layers": ["feature"]},
            "layers: no layer 'feature'; its layers are features, fea",
        ),
        ({"architecture": SQUEEZENET, "layers": ["block*"]}, "layers: no layer 'block*'; its layers are features, "),
        ({"architecture": SQUEEZENET, "weights": "no.pth"}, "weights: no such file 'no.pth'; correct the path"),
    ],
)
def test_entries_that_cannot_be_built(entry, fault):
    with pytest.raises(InputError) as error:
        build(**entry)
    assert str(error.value).startswith(f"config: networks.n.{fault}")


# Layers.


def test_patterns_stop_at_dots_and_follow_the_modules():
    model = Blocks()
    assert expand_layers(["rooms.*"], model, "f") == ("rooms.0", "rooms.1", "rooms.2", "rooms.3")
    assert expand_layers(["*"], model, "f") == ("entrance", "idle", "rooms", "exit")
    assert expand_layers(["exit", "rooms.[02].0", "rooms.0.*"], model, "f") == (
        *("exit", "rooms.0.0", "rooms.2.0", "rooms.0.1"),
    )
    assert match("layer*", ["layer1", "layer1.0", "layer2", "relu"]) == ["layer1", "layer2"]


def test_names_of_time_steps_and_of_parts_are_judged_by_their_module():
    wanted = ["exit-t3", "exit:1", "output", "output:0", "exit"]
    assert expand_layers(wanted, Blocks(), "f") == tuple(wanted)
    with pytest.raises(InputError, match=r"config: f: no layer 'exits-t3'; its layers are entrance, .*, output$"):
        expand_layers(["exits-t3"], Blocks(), "f")


@pytest.mark.parametrize(
    "model, expected",
    [
        (Blocks(), ("rooms.0", "rooms.1", "rooms.2", "rooms.3")),
        (Wrapped(Blocks()), ("inner.rooms.0", "inner.rooms.1", "inner.rooms.2", "inner.rooms.3")),
        (Branches(), ("stages.0.1", "stages.1.1")),
        (conv(3, 2), ("0", "1")),
        (Wrapped(conv(3, 2)), ("inner.0", "inner.1")),
        (Mean(), ("output",)),
    ],
)
def test_auto_of_any_network(model, expected):
    with torch.device("meta"):
        assert auto_layers(model.to("meta").eval(), 128, "f") == expected
    assert not any(module._forward_hooks for module in model.modules())


def test_auto_of_a_deep_network_has_some_blocks_of_every_depth():
    model = nn.Sequential(*(nn.Sequential(nn.ReLU()) for _ in range(40)))
    found = auto_layers(model, 4, "f")
    assert (len(found), found[0], found[-1]) == (MOST, "0", "39")


AUTO = {
    "resnet50": "conv1 layer1 layer2 layer3 layer4 avgpool",
    "alexnet": "features.2 features.5 features.7 features.9 features.12 classifier.2 classifier.5",
    "vgg19": "features.4 features.9 features.18 features.27 features.36 classifier.1 classifier.4",
    "densenet121": "features.conv0 features.denseblock1 features.denseblock2 features.denseblock3 "
    "features.denseblock4 features",
    "convnext_tiny": " ".join(f"features.{i}" for i in range(8)) + " avgpool",
    "swin_t": " ".join(f"features.{i}" for i in range(8)) + " avgpool",
    "vit_b_32": " ".join(f"encoder.layers.encoder_layer_{i}" for i in range(12)) + " encoder.ln",
    "maxvit_t": "stem blocks.0 blocks.1 blocks.2 blocks.3",
    "shufflenet_v2_x0_5": "conv1 stage2 stage3 stage4 conv5",
    "timm/resnet18": "act1 layer1 layer2 layer3 layer4 global_pool",
    "timm/vit_tiny_patch16_224": " ".join(f"blocks.{i}" for i in range(12)) + " norm",
    "timm/swin_tiny_patch4_window7_224": "layers.0 layers.1 layers.2 layers.3 head.global_pool",
    "timm/convnext_atto": "stages.0 stages.1 stages.2 stages.3 head.global_pool",
    "timm/mixer_s32_224": " ".join(f"blocks.{i}" for i in range(8)) + " norm",
}


@pytest.mark.parametrize("architecture", AUTO)
def test_auto_of_known_networks(architecture):
    """Without values: on the meta device shapes alone are worked out."""
    with torch.device("meta"):
        plan = find_architecture({"architecture": architecture, "weights": "random"}, "networks.n")
        found = auto_layers(plan.build().eval(), plan.image_size, "networks.n.architecture")
    assert found == tuple(AUTO[architecture].split())


def test_tensors_of_what_a_module_returns():
    one, two = torch.zeros(1), torch.ones(1)
    assert tensors_of(one) == {"": one}
    assert tensors_of((one, None, two)) == {":0": one, ":2": two}
    assert tensors_of({"a": one, "b": two}) == {":0": one, ":1": two}
    assert tensors_of("text") == tensors_of(None) == {}
