"""On a GPU: float32 results are the CPU's, two runs give the same weights, running out of memory ends no job.

Each test runs a section of `benchmarks.gpu` at full size, in a process of its own, as the benchmark does.
"""

import pytest
import torch

from benchmarks.gpu.sections import SECTIONS, run

LIMIT_S = 300  # a GPU of any kind, and shared
pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU that torch can use"),
]


def check(name: str) -> None:
    (section,) = (section for section in SECTIONS if section.name == name)
    result = run(section, True, LIMIT_S)
    assert result.verdict == "met", f"{result.line()}\n{result.trace}"


def test_gram_matrices_and_scores_are_those_of_the_cpu():
    check("agreement")


def test_two_runs_of_training_hmo_and_faces_give_the_same_weights():
    check("determinism")


def test_extraction_that_runs_out_of_memory_gives_the_same_gram_matrices():
    check("memory-extraction")


def test_training_that_runs_out_of_memory_learns_the_same():
    check("memory-training")
