"""`python -m benchmarks.gpu`: it runs without a GPU, without the lock, within its time, and tells what it missed."""

import json
import os
import re
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.gpu.findings import Bar, Figure, Result, table
from benchmarks.gpu.sections import SECTIONS, Section, run

REPO = Path(__file__).parents[2]
NEEDED = ("torch", "torchvision", "timm", "numpy", "scipy", "h5py", "pandas", "xarray")
MOST_SECONDS = 120  # of the processor, for all sections


@pytest.fixture(scope="session")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of a new environment with the packages that the benchmark names and what these need, no others."""
    folder = tmp_path_factory.mktemp("bare")
    pins = [line for line in (REPO / "requirements.lock").read_text().splitlines() if line.partition("==")[0] in NEEDED]
    assert len(pins) == len(NEEDED)
    (folder / "pins.txt").write_text("\n".join(pins))
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "venv"], check=True)
    python = folder / "venv" / "bin" / "python"
    command = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--python", python]
    command += ["--requirement", folder / "pins.txt", "--constraint", REPO / "requirements.lock"]
    links = os.environ.get("UV_FIND_LINKS") or os.environ.get("PIP_FIND_LINKS", "")  # as in the Makefile
    done = subprocess.run(command, env=os.environ | {"UV_FIND_LINKS": links}, capture_output=True, text=True)
    if done.returncode:
        reason = f"packages cannot be installed: {done.stderr.strip()[-300:]}"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return python


def check_tiny_run(python: Path, folder: Path) -> None:
    """Run every section on the CPU; all must end, and none may miss a bar."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    # Ten processes import torch: they compile its files once, outside the checkout.
    environment |= {"CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1", "PYTHONPYCACHEPREFIX": str(folder / "compiled")}
    command = [python, "-m", "benchmarks.gpu", "--tiny", "--output", folder / "found.json"]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, cwd=REPO, env=environment, capture_output=True, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("not on a GPU")
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < MOST_SECONDS
    found = json.loads((folder / "found.json").read_text())
    assert not found["on_a_gpu"] and not found["full_size"]
    assert [one["section"] for one in found["sections"]] == [section.name for section in SECTIONS]
    assert all(one["figures"] and not one["fault"] for one in found["sections"])
    judged = {one["section"] for one in found["sections"] if one["verdict"] == "met"}
    assert judged == {"agreement", "determinism", "memory-extraction", "memory-training"}


def test_every_section_runs_on_the_cpu(tmp_path):
    check_tiny_run(Path(sys.executable), tmp_path)


def test_it_needs_only_the_packages_that_it_names(bare, tmp_path):
    for name in ("snakemake", "pydantic", "sklearn", "requests"):
        assert subprocess.run([bare, "-c", f"import {name}"], capture_output=True).returncode, name
    check_tiny_run(bare, tmp_path)


def test_all_limits_together_are_six_minutes():
    assert sum(section.limit_s for section in SECTIONS) <= 360


def test_a_section_that_takes_too_long_is_stopped_and_says_so():
    result = run(SECTIONS[1], False, 0.2)
    assert result.verdict == "failed" and not result.is_sound
    assert "stopped after 0.2 s" in result.line()


def test_a_section_that_fails_says_why_in_one_line():
    result = run(Section("broken", "correct:no_such_section", 60), False, 60)
    assert re.match(r"broken +failed +\d+ s; AttributeError: .*no_such_section", result.line())
    assert "Traceback" in result.as_json()["trace"] and "\n" not in result.line()


def test_a_missed_bar_is_named_in_the_line_and_in_the_table():
    slow = Figure("images/s, of the bare forward pass", 0.5, "", Bar(at_least=0.8, of_speed=True))
    wrong = Figure("R2", float("nan"), "", Bar(at_most=1e-5))
    on_gpu, tiny = (Result("extraction", 3.0, is_full, [slow]) for is_full in (True, False))
    assert on_gpu.verdict == "missed" and "0.5, must be at least 0.8" in on_gpu.line()
    assert tiny.verdict == "not judged" and tiny.is_sound
    assert Result("agreement", 3.0, False, [wrong]).verdict == "missed"  # what is right is judged everywhere
    assert re.search(r"extraction +images/s, of the bare forward pass +0\.5 +at least 0\.8 +missed", table([on_gpu]))
