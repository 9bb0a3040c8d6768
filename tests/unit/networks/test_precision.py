"""Precision means what it says, whatever was set before; training is deterministic; both are undone afterwards."""

import os
import subprocess
import sys

import pytest
import torch

from ventral.files.errors import InputError
from ventral.networks.activations import inferring
from ventral.networks.precision import OVERRIDE, computing, device_name, products, real_precision, repeatable

CPU, GPU = torch.device("cpu"), torch.device("cuda")
BACKENDS = torch.backends


def of_gpu() -> list[str]:
    """Precision of float32 products, convolutions and recurrent layers on a GPU."""
    return [place.fp32_precision for place in (BACKENDS.cuda.matmul, BACKENDS.cudnn.conv, BACKENDS.cudnn.rnn)]


def of_cpu() -> list[str]:
    return [place.fp32_precision for place in (BACKENDS.mkldnn.matmul, BACKENDS.mkldnn.conv, BACKENDS.mkldnn.rnn)]


def older() -> tuple[bool, bool, str]:
    """What torch's older switches say; reading them is an error where they and the newer ones differ."""
    return BACKENDS.cuda.matmul.allow_tf32, BACKENDS.cudnn.allow_tf32, torch.get_float32_matmul_precision()


@pytest.fixture(autouse=True)
def as_torch_starts(monkeypatch):
    monkeypatch.delenv(OVERRIDE, raising=False)
    yield
    BACKENDS.fp32_precision = "none"
    torch.set_float32_matmul_precision("highest")
    BACKENDS.cudnn.allow_tf32 = True


def by_older_switches():
    torch.set_float32_matmul_precision("medium")
    BACKENDS.cudnn.allow_tf32 = True


def by_newer_switches():
    BACKENDS.cuda.matmul.fp32_precision = BACKENDS.cudnn.conv.fp32_precision = "tf32"


def by_the_switch_of_all():
    BACKENDS.fp32_precision = "tf32"


@pytest.mark.parametrize("switch", [by_older_switches, by_newer_switches, by_the_switch_of_all])
@pytest.mark.parametrize("context", [products, repeatable, lambda device: computing(device, "float32")])
def test_float32_is_never_tf32_whatever_switched_it_on(switch, context):
    switch()
    before = of_gpu(), of_cpu()
    assert "tf32" in before[0]
    for device in (CPU, GPU):
        with context(device):
            assert of_gpu() == of_cpu() == ["ieee"] * 3 and older() == (False, False, "highest")
        assert (of_gpu(), of_cpu()) == before


def test_tf32_is_on_where_it_is_asked_for_and_there_is_a_gpu():
    before = of_gpu(), of_cpu(), older()
    with products(GPU, "tf32"):
        assert of_gpu() == ["tf32"] * 3 and of_cpu() == ["ieee"] * 3 and older() == (True, True, "high")
        with products(GPU):
            assert of_gpu() == ["ieee"] * 3
        assert of_gpu() == ["tf32"] * 3
        with products(CPU, "tf32"):
            assert of_gpu() == ["ieee"] * 3
    assert (of_gpu(), of_cpu(), older()) == before
    assert [real_precision(device, "tf32") for device in (CPU, GPU)] == ["float32", "tf32"]
    assert real_precision(CPU, "bfloat16") == "bfloat16"


def test_switches_are_undone_after_an_error():
    before = of_gpu(), of_cpu(), older()
    with pytest.raises(ZeroDivisionError), repeatable(GPU, "tf32"):
        raise ZeroDivisionError
    assert (of_gpu(), of_cpu(), older()) == before and torch.get_deterministic_debug_mode() == 0


def test_a_variable_of_torch_does_not_count():
    code = (
        "import torch; from ventral.networks.precision import products; of = torch.backends.cuda.matmul\n"
        "assert of.fp32_precision == 'tf32'\n"
        "with products(torch.device('cuda')): assert of.fp32_precision == 'ieee'\n"
    )
    environment = os.environ | {"TORCH_ALLOW_TF32_CUBLAS_OVERRIDE": "1"}
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], env=environment, check=True)


@pytest.mark.parametrize("precision, value", [("float32", "1"), ("bfloat16", "1"), ("tf32", "0")])
def test_a_variable_that_nvidias_libraries_obey_is_refused_where_it_says_otherwise(precision, value, monkeypatch):
    monkeypatch.setenv(OVERRIDE, value)
    with pytest.raises(InputError, match=rf"environment: {OVERRIDE}: '{value}' makes the GPU compute in .*; unset it"):
        products(GPU, precision).__enter__()
    with products(CPU, precision):
        pass
    monkeypatch.setenv(OVERRIDE, "0" if value == "1" else "1")
    with products(GPU, precision):
        pass


def test_training_is_deterministic_within_the_block_alone(monkeypatch):
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)
    monkeypatch.setattr(BACKENDS.cudnn, "benchmark", True)
    with repeatable(CPU):
        assert torch.get_deterministic_debug_mode() == 1 and not BACKENDS.cudnn.benchmark
        assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"
    assert torch.get_deterministic_debug_mode() == 0 and BACKENDS.cudnn.benchmark
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG")


@pytest.mark.parametrize(
    "precision, dtype", [("float32", torch.float32), ("tf32", torch.float32), ("bfloat16", torch.bfloat16)]
)
def test_networks_run_without_gradients_in_the_precision(precision, dtype):
    layer = torch.nn.Linear(3, 2)
    with inferring(CPU, precision):
        found = layer(torch.ones(1, 3))
    assert found.dtype == dtype and not found.requires_grad


def test_the_name_of_a_device(monkeypatch):
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: f"card of {device}")
    assert [device_name(device) for device in (CPU, GPU)] == ["cpu", "card of cuda"]
