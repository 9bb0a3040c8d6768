"""The command line prints a table of a network's layers, or one line."""

import sys

import pytest
import yaml

from ventral.__main__ import main

NETS = """
from torch import nn
class Twice(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 3, padding=1)
        self.pair = Pair()
    def forward(self, x):
        return self.pair(self.conv(self.conv(x)))
class Pair(nn.Module):
    def forward(self, x):
        return x.mean((2, 3)), x
"""
STUDY = {
    "datasets": {"mine": {"images": "images.zip", "responses": "responses.npy"}},
    "networks": {
        "twice": {"architecture": "nets.py:Twice", "image_size": 8, "weights": "w.pth"},
        "z": {"architecture": "cornet_z", "image_size": 64, "copies": 1},
        "labels": {"architecture": "labels"},
    },
}


@pytest.fixture
def study(tmp_path, monkeypatch):
    (tmp_path / "nets.py").write_text(NETS)
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(STUDY))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    return ["--configfile", "study.yaml"]


def test_layers_of_a_network_of_the_config(study, capsys):
    assert main(["layers", "z", *study, "--layers", "V?.output", "IT", "decoder.avgpool"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "layer            shape          units",
        "V1.output        64 x 16 x 16  16,384  auto",
        "V2.output        128 x 8 x 8    8,192  auto",
        "V4.output        256 x 4 x 4    4,096  auto",
        "IT               512 x 2 x 2    2,048",
        "decoder.avgpool  512 x 1 x 1      512  auto",
        "z: 2,071,656 parameters; images of 64 x 64, resized (bilinear)",
    ]
    assert main(["layers", "z_seed1", *study, "--layers", "V1"]) == 0


def test_layers_that_run_twice_or_return_several_tensors(study, capsys):
    assert main(["layers", "twice", *study]) == 0
    assert capsys.readouterr().out.splitlines()[1:-1] == [
        "conv-t0   3 x 8 x 8    192  auto",
        "conv-t1   3 x 8 x 8    192  auto",
        "pair:0    3              3  auto",
        "pair:1    3 x 8 x 8    192  auto",
        "output:0  3              3",
        "output:1  3 x 8 x 8    192",
    ]


def test_layers_of_an_architecture_without_a_config(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["layers", "pixels"]) == 0
    out = capsys.readouterr().out
    assert "pixels  3 x 224 x 224  150,528  auto\n" in out
    assert out.endswith("pixels: 0 parameters; images as they are, here 224 x 224\n")


@pytest.mark.parametrize(
    "arguments, line",
    [
        (["nett", "--configfile", "study.yaml"], "config: networks.nett.architecture: no 'nett'; "),
        (["labels", "--configfile", "study.yaml"], "study.yaml: labels: labels have no layers; name another network"),
        (["z", "--configfile", "absent.yaml"], "absent.yaml: config: no such file; correct the path"),
        (["z", "--configfile", "faulty.yaml"], "faulty.yaml: sede: unknown key; did you mean seed?"),
        (["z", "--configfile", "broken.yaml"], "broken.yaml: YAML: "),
        (
            ["z", "--configfile", "study.yaml", "--layers", "v*"],
            "config: networks.z.layers: no layer 'v*'; its layers are V1",
        ),
    ],
)
def test_faults_are_one_line(study, capsys, tmp_path, arguments, line):
    (tmp_path / "faulty.yaml").write_text(yaml.safe_dump(STUDY | {"sede": 1}))
    (tmp_path / "broken.yaml").write_text("a: [1\nb: }")
    assert main(["layers", *arguments]) == 1
    said = capsys.readouterr()
    assert said.out == "" and said.err.count("\n") == 1
    assert said.err.startswith(f"error: {line}")


@pytest.mark.parametrize("command", ["layers", "predict", "doctor"])
def test_help_has_an_example(capsys, command):
    with pytest.raises(SystemExit) as end:
        main([command, "--help"])
    assert end.value.code == 0
    assert f"example: python -m ventral {command} " in capsys.readouterr().out
