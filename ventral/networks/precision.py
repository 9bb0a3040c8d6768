"""In which precision a device computes, and that it computes the same every time.

The switches belong to the whole process, so that backward passes, which run in other threads, obey them too.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, Literal

import torch

from ventral.files.errors import InputError

Precision = Literal["float32", "tf32", "bfloat16"]

OVERRIDE = "NVIDIA_TF32_OVERRIDE"  # NVIDIA's libraries obey it before they obey torch


def device_name(device: torch.device) -> str:
    """What files say of the device that they were made on: "cpu", or the name of the card."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"


def real_precision(device: torch.device, precision: str) -> str:
    """The precision that a device really has: a CPU computes in float32 where TF32 is asked for."""
    return "float32" if precision == "tf32" and device.type != "cuda" else precision


@contextmanager
def products(device: torch.device, precision: str = "float32") -> Iterator[None]:
    """Multiply float32 numbers in TF32 if that is the precision, else exactly; restore the switches afterwards.

    A GPU rounds factors to 10 bits in TF32. A CPU always computes in float32. Whatever set the switches before does not
    count, such as the variable TORCH_ALLOW_TF32_CUBLAS_OVERRIDE.

    Raises:
        InputError: if the environment makes a GPU do otherwise.
    """
    wanted = real_precision(device, precision) == "tf32"
    if device.type == "cuda":
        _check_environment(wanted)
    before = []
    for read, write, _ in _switches(wanted):
        with suppress(RuntimeError):  # torch reads no switch of the older set while the newer set differs
            before.append((write, read()))
    try:
        for _, write, value in _switches(wanted):
            write(value)
        yield
    finally:
        for write, value in before:
            write(value)


def _switches(tf32: bool) -> list[tuple[Callable[[], Any], Callable[[Any], None], bool | str]]:
    """What reads and what writes every switch of torch by which float32 products may be rounded, and its value."""
    backends: Any = torch.backends
    of_gpu = (backends.cuda.matmul, backends.cudnn.conv, backends.cudnn.rnn)
    of_cpu = (backends.mkldnn.matmul, backends.mkldnn.conv, backends.mkldnn.rnn)
    newer = [(place, "tf32" if tf32 else "ieee") for place in of_gpu] + [(place, "ieee") for place in of_cpu]
    older = (torch.get_float32_matmul_precision, torch.set_float32_matmul_precision, "high" if tf32 else "highest")
    cudnn = (partial(getattr, backends.cudnn, "allow_tf32"), partial(setattr, backends.cudnn, "allow_tf32"), tf32)
    name = "fp32_precision"
    return [older, cudnn, *((partial(getattr, at, name), partial(setattr, at, name), own) for at, own in newer)]


def _check_environment(wanted: bool) -> None:
    """Refuse an environment that switches TF32 on or off against the config."""
    value = os.environ.get(OVERRIDE)
    if value is not None and (value != "0") != wanted:
        asked, done = ("tf32", "float32") if wanted else ("float32", "tf32")
        problem = f"{value!r} makes the GPU compute in {done}, where {asked} is asked for"
        raise InputError("environment", OVERRIDE, problem, "unset it")


@contextmanager
def computing(device: torch.device, precision: str) -> Iterator[None]:
    """Run forward passes in float32, in TF32 (on a GPU), or in bfloat16 by autocast.

    Raises:
        InputError: as `products`.
    """
    with products(device, precision), torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16"):
        yield


@contextmanager
def repeatable(device: torch.device, precision: str = "float32") -> Iterator[None]:
    """Train so that the same steps give the same weights: by deterministic algorithms, with products in one precision.

    A few layers have no deterministic algorithm on a GPU; torch then prints a warning.

    Raises:
        InputError: as `products`.
    """
    prepare_cublas()
    mode, benchmark = torch.get_deterministic_debug_mode(), torch.backends.cudnn.benchmark
    torch.set_deterministic_debug_mode("warn")  # `use_deterministic_algorithms` without its imports
    torch.backends.cudnn.benchmark = False  # it chooses algorithms by how long they take
    try:
        with products(device, precision):
            yield
    finally:
        torch.set_deterministic_debug_mode(mode)
        torch.backends.cudnn.benchmark = benchmark


def prepare_cublas() -> None:
    """Let cuBLAS compute deterministically; it has to be said before the first product on a GPU."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
