"""Modules of every kind and name that users bring run, or are refused in one line."""

import re
import sys

import h5py
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import torch

from ventral.__main__ import main
from ventral.figures.style import STYLE
from ventral.files.csv import read_table, write_csv
from ventral.files.errors import InputError
from ventral.gram.file import entry_of, layer_of, read_gram, read_layers, write_gram, writing_grams
from ventral.networks.activations import extract_grams
from ventral.networks.weights import fingerprint
from ventral.networks.zoo import Network, build_network
from ventral.study.config import find_absent

IMAGES = np.random.default_rng(0).integers(0, 256, (5, 16, 16, 3), dtype=np.uint8)
NETS = """
import torch
from torch import nn

def plain():
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(784, 5))
def lazy():
    return nn.Sequential(nn.LazyConv2d(4, 3), nn.LazyBatchNorm2d(), nn.ReLU(), nn.Flatten(), nn.LazyLinear(5))
def scripted():
    return torch.jit.script(plain())
def traced():
    return torch.jit.trace(plain().eval(), torch.zeros(1, 3, 16, 16))
def part_scripted():
    return nn.Sequential(torch.jit.script(nn.Conv2d(3, 4, 3)), nn.ReLU())
def quantised():
    return torch.ao.quantization.quantize_dynamic(plain().eval(), {nn.Linear}, dtype=torch.qint8)
def half():
    return plain().half()
def brain_float():
    return plain().bfloat16()
def double():
    return plain().double()
def parallel():
    return nn.DataParallel(plain())
def compiled():
    return torch.compile(plain(), backend="eager")

class SequenceFirst(nn.Module):
    def __init__(self):
        super().__init__()
        self.rows, self.last = nn.GRU(3, 5), nn.Identity()
    def forward(self, x):
        return self.last(self.rows(x.mean(3).permute(2, 0, 1))[0].permute(1, 0, 2))
class Summed(nn.Module):
    def __init__(self):
        super().__init__()
        self.scale, self.last = nn.Linear(1, 1), nn.Identity()
    def forward(self, x):
        return self.last(x * self.scale(torch.ones(1)))

def grey():
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU())
def four_channels():
    return nn.Sequential(nn.Conv2d(4, 4, 3), nn.ReLU())
def of_another_size():
    return nn.Sequential(nn.Flatten(), nn.Linear(99, 5))
def lazy_grey():
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.Flatten(), nn.LazyLinear(5))
def of_two():
    class Two(nn.Module):
        def forward(self, x, y):
            return x + y
    return Two()
def of_whole_numbers():
    class Tokens(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding = nn.Embedding(9, 9)
        def forward(self, x):
            return self.embedding(x)
    return Tokens()
def one_image():
    class One(nn.Module):
        def forward(self, x):
            if len(x) > 1:
                raise ValueError("one image at a time")
            return x
    return One()
"""


@pytest.fixture
def own(tmp_path, monkeypatch):
    (tmp_path / "kinds.py").write_text(NETS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])

    def build(name, layers="auto", **settings):
        architecture = name if ":" in name else f"kinds.py:{name}"
        settings = {"architecture": architecture, "weights": "random", "layers": layers, "image_size": 16, **settings}
        return build_network("mine", settings, weights_file=None, seed=3)

    yield build
    for name in ("own_kinds", "deep", "deep.nets", "deep.parts"):
        sys.modules.pop(name, None)


def grams_of(network):
    return dict(extract_grams(network, IMAGES, memory_mb=100, scratch=None, device=torch.device("cpu")))


RUNNING = {"lazy": 5, "scripted": 1, "traced": 1, "part_scripted": 1, "quantised": 4, "half": 4, "brain_float": 4}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", [*RUNNING, "double", "parallel", "compiled"])
def test_modules_of_every_kind_run(own, name):
    network = own(name)
    grams = grams_of(network)
    assert len(grams) >= RUNNING.get(name, 1) and all(np.isfinite(gram.inner).all() for gram in grams.values())
    assert fingerprint(network.model) == fingerprint(own(name).model)
    assert not any(value.dtype == torch.float16 for value in network.model.parameters())


@pytest.mark.parametrize("name", ["SequenceFirst", "Summed"])
def test_auto_leaves_out_layers_without_a_row_an_image(own, name):
    assert list(grams_of(own(name))) == ["last"]


def test_half_precision_is_the_same_weights_widened(own):
    half, widened = own("half").model, own("plain").model.half().float()
    assert fingerprint(half) == fingerprint(widened)


def test_weights_of_a_lazy_network_follow_the_seed(own):
    assert own("lazy").weights == "random" and own("lazy").model[4].weight.shape == (5, 784)


@pytest.mark.parametrize("layers", ["auto", ["output"]])
@pytest.mark.parametrize(
    "name", ["grey", "four_channels", "of_another_size", "lazy_grey", "of_two", "of_whole_numbers", "one_image"]
)
def test_modules_that_do_not_run_are_refused_in_one_line(own, name, layers):
    with pytest.raises(InputError, match=r"config: networks\.mine\.architecture: does not run on images of shape \("):
        grams_of(own(name, layers))


def test_the_command_says_it_in_one_line_too(own, capsys):
    assert main(["layers", "kinds.py:one_image"]) == 1
    said = capsys.readouterr().err
    assert re.fullmatch(
        r"error: config: networks\..*: does not run on images of shape \(2, .*one image at a time.*\n", said
    )


def test_layers_within_a_scripted_module_are_not_there(own):
    with pytest.raises(InputError, match=r"networks\.mine\.layers: no layer '0'; its layers are output"):
        own("scripted", ["0"])


# Code in repositories.


@pytest.fixture
def repository(own, tmp_path):
    """`lab/src/deep`, a package that imports its own parts, relatively and by name, and torchvision."""
    package = tmp_path / "lab" / "src" / "deep"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "parts.py").write_text("from torch import nn\ndef block():\n    return nn.Conv2d(3, 4, 3)\n")
    (package / "nets.py").write_text(
        "import torchvision\nfrom torch import nn\nfrom .parts import block\nimport deep.parts\n"
        "def net():\n    return nn.Sequential(block(), nn.ReLU())\n"
    )
    return own


def test_a_package_in_a_folder_of_sources_is_found(repository, tmp_path, monkeypatch):
    with pytest.raises(InputError, match=r"cannot import deep.nets: ModuleNotFoundError: No module named 'deep'"):
        repository("deep.nets:net")
    for folder in ("lab/src", str(tmp_path / "lab" / "src"), "~/lab/src"):
        monkeypatch.setenv("HOME", str(tmp_path))
        assert repository("deep.nets:net", python_path=folder).layers == ("0", "1")


def test_a_file_inside_a_package_must_be_named_as_a_module(repository):
    with pytest.raises(InputError, match=r"relative import.*; name it as package.module:function, and the folder that"):
        repository("lab/src/deep/nets.py:net")


def test_a_missing_folder_of_sources_is_named_before_anything_runs(repository):
    with pytest.raises(InputError, match=r"python_path is no folder: 'lab/scr'; correct it"):
        repository("deep.nets:net", python_path="lab/scr")
    network = {"weights": "random", "python_path": "lab/scr"}
    faults = find_absent(
        {"datasets": {}, "networks": {"a": network | {"architecture": "m:f"}, "b": network | {"architecture": "cnn"}}}
    )
    assert faults == [
        "networks.a.python_path: no such folder 'lab/scr'; correct the path",
        "networks.b.python_path: is only for architectures of your own code; leave it out",
    ]


# Names of layers.

NAMES = [
    "conv1/5x5_s2",
    "a b",
    "%2F",
    "été",
    "层",
    "a%b/c",
    "relu(1)",
    "[0]",
    "*",
    "\\",
    "-t0",
    ":0",
    "a|b",
    "\x00",
    "\ud800",
]


@pytest.mark.parametrize("name", [*NAMES, ".", "..", "./a", "a/../b", "/", "output"])
def test_any_name_of_a_layer_is_written_and_read_as_given(name, tmp_path):
    assert layer_of(entry_of(name)) == name and "/" not in entry_of(name)
    gram = next(iter(grams_of_plain().values()))
    with writing_grams(tmp_path / "a.h5", np.array([f"{i}" for i in range(5)])) as file:
        for layer in (name, f"{name}/{name}", f"{name}."):
            write_gram(file, layer, gram)
    assert read_layers(tmp_path / "a.h5") == [name, f"{name}/{name}", f"{name}."]
    np.testing.assert_allclose(read_gram(tmp_path / "a.h5", f"{name}/{name}").inner, gram.inner, rtol=1e-6)
    with h5py.File(tmp_path / "a.h5") as file:
        assert len(file["layers"]) == 3


def grams_of_plain():
    return grams_of(Network("pixels", torch.nn.Sequential(torch.nn.Identity()), ("0",), None, (0, 0, 0), (1, 1, 1)))


@pytest.mark.parametrize(
    "name", ["a$b$c", "$\\frac$", "NA", "null", "nan", "3", "1e5", "a,b", 'a"b', "a\nb", " a", "été"]
)
def test_any_name_of_a_layer_appears_in_tables_and_figures(name, tmp_path):
    table = pd.DataFrame({"layer": [name, "b"], "depth": [0, 1], "r": [0.5, np.nan]})
    write_csv(table, tmp_path / "a.csv")
    pd.testing.assert_frame_equal(read_table(tmp_path / "a.csv"), table)
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots()
        axes.plot(table["layer"], table["r"])
        figure.savefig(tmp_path / "a.svg")
        assert axes.get_xticklabels()[0].get_text() == name
    plt.close(figure)


def test_names_that_need_no_escape_stay_readable():
    for name in ("layer1.0.conv1", "V4.output-t2", "attention:1", "a b", "été"):
        assert entry_of(name) == name


def test_layers_of_any_name_are_recorded(own, tmp_path):
    names = [name for name in NAMES if re.search(r"[^.]", name)]
    (tmp_path / "kinds.py").write_text(
        "from torch import nn\ndef net():\n    net = nn.Sequential()\n"
        f"    for name in {names!r}:\n        net.add_module(name, nn.Conv2d(3, 3, 1))\n    return net\n"
    )
    assert list(grams_of(own("net"))) == names
    assert list(grams_of(own("net", names))) == names
