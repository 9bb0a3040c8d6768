"""Every shape of network that can be recorded, against the outputs of its parts when called by hand."""

import numpy as np
import pytest
import torch
from torch import nn

from ventral.files.errors import InputError
from ventral.networks.activations import extract_grams, find_layers
from ventral.networks.layers import parse_name
from ventral.networks.recording import find_records, record
from ventral.networks.weights import seeded
from ventral.networks.zoo import Network

CPU = torch.device("cpu")
IMAGES = np.random.default_rng(0).integers(0, 256, (5, 8, 8, 3), dtype=np.uint8)
X = torch.from_numpy(IMAGES).permute(0, 3, 1, 2).float() / 255


class Using(nn.Module):
    """A layer `part` used as `use` says."""

    def __init__(self, part: nn.Module, use) -> None:
        super().__init__()
        self.part, self.use = part, use

    def forward(self, x):
        return self.use(self.part, x)


class Bare(nn.Module):
    """No submodules: weights used by functions."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(2, 3, 1, 1))

    def forward(self, x):
        return torch.relu_(nn.functional.conv2d(x, self.weight))


class Returns(nn.Module):
    def __init__(self, output) -> None:
        super().__init__()
        self.output = output

    def forward(self, x):
        return self.output(x)


class Tokens(nn.Module):
    """Patches as tokens, attended to and normalised."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, 6, 4, 4)
        self.attention = nn.MultiheadAttention(6, 2, batch_first=True)
        self.norm = nn.LayerNorm(6)

    def forward(self, x):
        tokens = self.patches(x).flatten(2).transpose(1, 2)
        return self.norm(self.attention(tokens, tokens, tokens)[0])


def recorded(model: nn.Module, *layers: str, images=X) -> dict[str, torch.Tensor]:
    found: dict[str, torch.Tensor] = {}
    with torch.inference_mode():
        records = find_records(model, layers, images[:1].repeat(2, 1, 1, 1))
        assert record(model, records, images, lambda name, rows: found.update({name: rows.clone()}))
    for name, rows in found.items():
        assert rows.shape == (len(images), np.prod(records.shapes[name], dtype=int))
    assert not any(module._forward_hooks for module in model.modules())
    return {name: found[name] for name in records.shapes}


def three_times(part, x):
    for _ in range(3):
        x = part(x)
    return x


def test_a_module_that_runs_several_times_has_a_record_a_time():
    with seeded(0):
        model = Using(nn.Conv2d(3, 3, 1), three_times).eval()
    found = recorded(model, "part")
    assert list(found) == ["part-t0", "part-t1", "part-t2"]
    with torch.no_grad():
        state = X
        for rows in found.values():
            state = model.part(state)
            torch.testing.assert_close(rows, state.flatten(1))
    assert list(recorded(model, "part-t1")) == ["part-t1"]
    assert list(recorded(model, "part-t2", "part", "output")) == ["part-t2", "part-t0", "part-t1", "output"]


@pytest.mark.parametrize(
    "output, names",
    [
        (lambda x: (x, x.mean(dim=(2, 3))), ["part:0", "part:1"]),
        (lambda x: [x], ["part:0"]),
        (
            lambda x: {"map": x, "where": x.argmax(dim=1), "none": None, "mean": x.mean(dim=(2, 3))},
            ["part:0", "part:3"],
        ),
        (lambda x: (x.mean(), x), ["part:1"]),  # the first has no row an image
    ],
)
def test_a_module_that_puts_out_several_tensors_has_a_record_each(output, names):
    model = Using(Returns(output), lambda part, x: (part(x), x)[1])
    found = recorded(model, "part")
    assert list(found) == names
    expected = output(X)
    values = list(expected.values()) if isinstance(expected, dict) else expected
    for name, rows in found.items():
        torch.testing.assert_close(rows, values[int(name[-1])].flatten(1))
    assert list(recorded(model, names[-1])) == names[-1:]


def test_several_times_and_several_tensors():
    model = Using(Returns(lambda x: (x, x + 1)), lambda part, x: part(part(x)[1])[1])
    names = ["part-t0:0", "part-t0:1", "part-t1:0", "part-t1:1"]
    found = recorded(model, "part")
    assert list(found) == names
    for i, rows in enumerate(found.values()):
        torch.testing.assert_close(rows, X.flatten(1) + (0, 1, 1, 2)[i])
    assert list(recorded(model, "part-t1")) == names[2:]
    assert list(recorded(model, "part-t0:1")) == names[1:2]


def test_tokens_are_units_like_any_other():
    with seeded(0):
        model = Tokens().eval()
    assert find_records(model, ["patches", "attention", "norm"], X).shapes == {
        "patches": (6, 2, 2),
        "attention:0": (4, 6),
        "attention:1": (4, 4),
        "norm": (4, 6),
    }
    with torch.no_grad():
        torch.testing.assert_close(recorded(model, "norm")["norm"], model(X).flatten(1))


def test_a_network_without_submodules_has_its_output():
    model = Bare().eval()
    found = recorded(model, "output")
    with torch.no_grad():
        torch.testing.assert_close(found["output"], model(X).flatten(1))
    assert find_records(model, ["output"], X).shapes == {"output": (2, 8, 8)}


def test_a_module_named_output_is_that_module():
    model = Returns(nn.AvgPool2d(8))
    model.forward = lambda x: model.output(x) * 2
    torch.testing.assert_close(recorded(model, "output")["output"], X.mean(dim=(2, 3)))


def test_in_place_steps_after_a_layer_do_not_reach_its_record():
    with seeded(0):
        conv, relu = nn.Conv2d(3, 4, 1), nn.ReLU(inplace=True)
    model = nn.Sequential(conv, relu, Returns(lambda x: x.mul_(0)))
    found = recorded(model, "0", "1", "2")
    with torch.no_grad():
        torch.testing.assert_close(found["0"], conv(X).flatten(1))
        torch.testing.assert_close(found["1"], conv(X).relu().flatten(1))
    assert (found["0"] < 0).any() and not found["2"].any()


def test_a_module_under_two_names():
    part = nn.AvgPool2d(2)
    model = nn.ModuleDict({"a": part, "b": part})
    model.forward = lambda x: model["b"](model["a"](x))
    assert list(recorded(model, "b")) == ["b-t0", "b-t1"]


def test_names_of_modules_may_look_like_names_of_records():
    model = nn.Sequential()
    model.add_module("area-t1", nn.AvgPool2d(2))
    model.add_module("area", nn.AvgPool2d(2))
    assert find_records(model, ["area-t1", "area"], X).shapes == {"area-t1": (3, 4, 4), "area": (3, 2, 2)}


def mine(model: nn.Module, *layers: str) -> Network:
    return Network("mine", model.eval(), layers, None, (0, 0, 0), (1, 1, 1))


@pytest.mark.parametrize(
    "model, layer, words",
    [
        (Using(nn.Linear(1, 1), lambda part, x: x), "part", "part does not run for an image"),
        (Using(Returns(lambda x: len(x)), lambda part, x: x), "absent", "absent does not run for an image"),
        (Using(Returns(lambda x: "text"), lambda part, x: (part(x), x)[1]), "part", "part gives no tensor with a row"),
        (Using(Returns(lambda x: x.argmax(1)), lambda part, x: part(x)), "part", "part gives no tensor with a row"),
        (Using(Returns(lambda x: x.mean()), lambda part, x: part(x)), "part", "part gives no tensor with a row"),
        (Returns(lambda x: "text"), "output", "output gives no tensor with a row"),
        (Using(nn.Identity(), three_times), "part-t3", "part-t3 is not there: part gives part-t0, part-t1, part-t2"),
        (Using(nn.Identity(), three_times), "part:0", "part:0 is not there: part gives part-t0, part-t1"),
    ],
)
def test_layers_that_cannot_be_recorded_are_named(model, layer, words):
    with pytest.raises(InputError, match=rf"config: networks\.mine\.layers: {words}.*; choose another layer"):
        find_layers(mine(model, layer), IMAGES[:1], CPU)
    assert not any(part._forward_hooks for part in model.modules())


@pytest.mark.parametrize("always", [1, 2])
def test_a_module_that_runs_as_often_as_the_images_say_is_refused(always, capsys):
    def more_for_bright(part, x):
        for _ in range(always + int(x.mean() > 0.4)):
            x = part(x)
        return x

    images = np.concatenate([np.zeros_like(IMAGES), np.full_like(IMAGES, 255)])
    network = mine(Using(nn.Identity(), more_for_bright), "part")
    with pytest.raises(
        InputError, match=r"networks\.mine\.layers: a layer does not run the same number of times for all images"
    ):
        list(extract_grams(network, images, memory_mb=100, scratch=None, device=CPU))


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("V4.output", ("V4.output", None, None)),
        ("V4.output-t2", ("V4.output", 2, None)),
        ("attention:1", ("attention", None, 1)),
        ("a-t1-t0:12", ("a-t1", 0, 12)),
        ("a:0:1", ("a:0", None, 1)),
        ("two\nlines-t0", ("two\nlines", 0, None)),
        ("-t1", ("-t1", None, None)),
        ("", ("", None, None)),
    ],
)
def test_a_name_is_module_run_and_item(name, parts):
    assert parse_name(name) == parts and str(parse_name(name)) == name
