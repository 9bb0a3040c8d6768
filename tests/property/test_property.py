"""Random small studies run whole, or end in one line before any network runs. `predict` repeats their predictions.

PROPERTY_SEED and PROPERTY_DRAWS choose the studies. A failure names its draw, which PROPERTY_FIRST repeats.
"""

import os
import time
import traceback
from collections import Counter
from pathlib import Path

import torch

from tests.property.draws import draw_study
from tests.property.stages import OF_NETWORK, Refused, run_study

SEED, FIRST, DRAWS = (
    int(os.environ.get(f"PROPERTY_{name}", n)) for name, n in (("SEED", 0), ("FIRST", 0), ("DRAWS", 200))
)
LEAST = 1e-4  # sd of a neuroid's rates
BEFORE = ("config", "images", "responses", "network")


def try_draw(number: int, folder: Path) -> tuple[str, float, str]:
    """How a draw ended ("whole" or the stage that refused it), the deviation in sd, and what is wrong, if anything."""
    draw = draw_study(SEED, number, folder)
    ended, differs, wrong = "whole", 0.0, ""
    try:
        differs = run_study(draw.config, draw.recorded.means())
        if not differs < LEAST:
            wrong = f"predict is off by {differs:.1e} sd"
        elif draw.odds.faults:
            wrong = f"ran whole in spite of {draw.odds.faults}"
    except Refused as line:
        ended = line.stage
        if ended not in BEFORE and f": {OF_NETWORK}: " not in str(line):
            wrong = f"refused after networks ran, {ended}: {line}"
        elif not draw.odds.faults and not draw.odds.risks:
            wrong = f"refused without need, {ended}: {line}"
    except Exception:
        ended, wrong = "failed", traceback.format_exc(limit=-6)
    return ended, differs, f"draw {number} of seed {SEED}: {wrong}\n{draw}" if wrong else ""


def test_random_studies_run_whole_or_end_in_one_line_before_any_network_runs(tmp_path, monkeypatch):
    torch.set_num_threads(1)
    endings, largest, wrong, start = Counter(), 0.0, [], time.monotonic()
    for number in range(FIRST, FIRST + DRAWS):
        folder = tmp_path / str(number)
        folder.mkdir()
        monkeypatch.chdir(folder)
        ended, differs, problem = try_draw(number, folder)
        endings[ended] += 1
        largest = max(largest, differs)
        wrong += [problem] if problem else []
    print(f"{dict(endings)}, at most {largest:.1e} sd, {time.monotonic() - start:.0f} s")
    assert not wrong, f"{len(wrong)} of {DRAWS} draws\n" + "\n".join(wrong)
    assert DRAWS < 50 or endings["whole"] > DRAWS / 3  # refusals alone would mean that nothing was tried
