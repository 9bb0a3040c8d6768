"""Other numbers of cores, memory and batch sizes give equal tables, as they are printed."""

import io

import pandas as pd
import pytest

from tests.workflow.conftest import TINY_TABLES, copy_unrun

TOLERANCE = 1e-5  # tables have six digits, summary.md two or three


@pytest.fixture(scope="module")
def elsewhere(tiny, tmp_path_factory, snakemake):
    """The same study with other threads, and with memory for blocks and batches of a few images."""
    folder = copy_unrun(tiny, tmp_path_factory.mktemp("elsewhere"))
    code = folder / "ventral" / "networks" / "activations.py"
    found = code.read_text()
    code.write_text(found.replace("SHARE = 16 ", "SHARE = 32000 "))  # as a budget of 2 MB does
    assert code.read_text() != found
    threads = ("--set-threads", "extract_activations=2", "train_encoder=2", "compare_rdms=1")
    done = snakemake(folder, *TINY_TABLES, "--cores", "2", *threads)
    assert done.returncode == 0, done.stdout
    log = folder / "results" / "logs" / "extract_activations" / "majaj" / "lite.log"
    assert "batches of 32 images" not in log.read_text()
    return folder


@pytest.mark.parametrize("name", ["summary.md", "reproduction.md"])
def test_pages_are_the_same(tiny, elsewhere, name):
    pages = ((folder / "results" / "tables" / name).read_text() for folder in (tiny, elsewhere))
    assert next(pages) == next(pages)


@pytest.mark.parametrize("name", ["scores", "summary", "layers", "rsa", "weights"])
def test_tables_are_the_same_but_for_rounding(tiny, elsewhere, name):
    texts = [(folder / "results" / "tables" / f"{name}.csv").read_text() for folder in (tiny, elsewhere)]
    if texts[0] != texts[1]:
        ours, others = (pd.read_csv(io.StringIO(text)) for text in texts)
        pd.testing.assert_frame_equal(ours, others, rtol=TOLERANCE, atol=TOLERANCE)
