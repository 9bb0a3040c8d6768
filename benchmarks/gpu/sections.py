"""The sections, each run in a process of its own, within its own time."""

import multiprocessing
import os
import time
import traceback
from collections.abc import Mapping
from contextlib import redirect_stderr
from dataclasses import dataclass, field
from importlib import import_module
from io import StringIO
from multiprocessing.connection import Connection
from typing import Any

from benchmarks.gpu.findings import Result

CPU_LIMIT_S = 100.0  # of a section at a tiny size on the CPU, which may be busy with other things
ONE_CORE = {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}


@dataclass(frozen=True)
class Section:
    """A part of the benchmark.

    Attributes:
        name: as it is told.
        function: module of this package and function, `module:function`, from a size and a device to findings.
        limit_s: seconds after which it is stopped on a GPU, the start of its process included.
        environment: variables that its process has beside those of this one.
    """

    name: str
    function: str
    limit_s: float
    environment: Mapping[str, str] = field(default_factory=dict)


# Together within six minutes, whatever happens.
SECTIONS = (
    Section("versions", "correct:versions", 20),
    # float32 has to be float32 even where torch was told to use TF32.
    Section("agreement", "correct:agreement", 60, {"TORCH_ALLOW_TF32_CUBLAS_OVERRIDE": "1"}),
    Section("determinism", "correct:determinism", 45),
    Section("extraction-resnet", "speed:extraction_resnet", 40),
    Section("extraction-convnext", "speed:extraction_convnext", 40),
    Section("fits", "speed:fits", 40, ONE_CORE),
    Section("training", "speed:training", 35, {"NVIDIA_TF32_OVERRIDE": "0"}),
    Section("many-images", "speed:many_images", 30),
    Section("memory-extraction", "correct:short_extraction", 25),
    Section("memory-training", "correct:short_training", 25),
)


def run(section: Section, is_full: bool, limit_s: float) -> Result:
    """Run a section in a new process; stop it when its time is over.

    Args:
        section: what is run.
        is_full: run it at full size; a tiny size otherwise.
        limit_s: seconds after which it is stopped.
    """
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    begin = time.perf_counter()
    before = dict(os.environ)
    os.environ.update(section.environment)  # which the new process inherits; it reads them before anything else
    try:
        child = context.Process(target=_child, args=(section.function, is_full, sender), daemon=True)
        child.start()
    finally:
        os.environ.clear()
        os.environ.update(before)
    sender.close()
    found: dict[str, Any]
    try:
        found = receiver.recv() if receiver.poll(limit_s) else {"fault": f"stopped after {limit_s:g} s"}
    except EOFError:
        child.join()
        found = {"fault": f"its process ended with exit code {child.exitcode}"}
    child.kill()
    child.join()
    return Result(section.name, time.perf_counter() - begin, is_full, **found)


def _child(function: str, is_full: bool, sender: Connection) -> None:
    """What the process of a section does: run it, and send the fields of its result."""
    import torch

    from benchmarks.gpu.materials import FULL, TINY

    module, _, name = function.partition(":")
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    found: dict[str, Any] = {}
    with redirect_stderr(StringIO()) as said:
        try:
            findings = getattr(import_module(f"benchmarks.gpu.{module}"), name)(FULL if is_full else TINY, device)
            found |= {"figures": list(findings.figures), "note": findings.note}
        except Exception as error:
            found["fault"] = f"{type(error).__name__}: {error}".splitlines()[0]
            found["trace"] = said.getvalue() + traceback.format_exc()
    if device.type == "cuda":
        found["peak_gpu_mb"] = torch.cuda.max_memory_allocated(device) / 1e6
    sender.send(found)
