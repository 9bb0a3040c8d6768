"""Damaged inputs, in thousands of ways: a reader returns what it promises, or refuses the input in one clear line."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HOME = Path(__file__).parents[2]
SEED = int(os.environ.get("FUZZ_SEED", "0"))
LEAST = {"files": 1000, "sessions": 700, "networks": 700}


@pytest.mark.parametrize("part", LEAST)
def test_damage_is_read_as_promised_or_refused(part, tmp_path):
    folder = tmp_path / "fuzz"
    folder.mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz.worker", str(folder), str(SEED), part],
        env=os.environ | {"PYTHONPATH": str(HOME), "OMP_NUM_THREADS": "1"},
        cwd=HOME,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=600,
    )
    current = folder / "work" / "current"
    said = f"{current.read_text() if current.exists() else 'between inputs'}: {done.returncode}\n{done.stderr[-3000:]}"
    assert done.returncode == 0, said
    counts = [json.loads(line) for line in done.stdout.splitlines()]
    for count in counts:
        print("{target:24} {refused:5} refused {accepted:5} accepted".format(**count))
    faults = [fault for count in counts for fault in count["faults"]]
    assert not faults, "\n".join(faults)
    assert sum(count["refused"] + count["accepted"] for count in counts) >= LEAST[part]
    # Nothing but refusals would mean that no damage ever reached the reader.
    assert all(count["refused"] for count in counts) and any(count["accepted"] for count in counts)
