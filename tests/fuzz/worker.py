"""Read damaged inputs in a process of its own: `python -m tests.fuzz.worker FOLDER SEED TARGETS`.

A reader may crash or hang in a C library, or ask for all memory. The limits here then end this process, and the file
`current` in FOLDER names the input. The result is one JSON object for each target on stdout.
"""

import hashlib
import importlib
import json
import os
import random
import resource
import signal
import sys
import traceback
import warnings
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path

from tests.fuzz.mutations import mutate
from tests.fuzz.target import Target
from ventral.files.errors import InputError

MEMORY = 1500 << 20  # bytes beyond what the imports take; each valid input needs a few megabytes
SECONDS = 20  # of processor time for one input


@dataclass
class Count:
    """What became of the inputs of one target."""

    refused: int = 0
    accepted: int = 0
    faults: list[str] = field(default_factory=list)


def tree(folder: Path) -> dict[str, str]:
    """Every file below a folder, with a hash of what is in it."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def read_one(target: Target, path: Path, data: bytes, count: Count, what: str) -> None:
    """Read one damaged input and count what became of it."""
    path.write_bytes(data)
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        target.read(path)
        count.accepted += 1
    except InputError as error:
        line = str(error)
        count.refused += 1
        if "\n" in line or len(line) > 5000 or not line.isprintable():
            count.faults.append(f"{what}: not one printable line of reasonable length: {line[:200]!r}")
    except BaseException:
        last = traceback.format_exc().strip().splitlines()
        ours = [line.strip() for line in last if "/ventral/" in line or "targets" in line]
        count.faults.append(f"{what}: {last[-1][:200]} at {ours[-1] if ours else '?'}")
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def run(target: Target, folder: Path, seed: int) -> Count:
    """Read all damaged inputs of one target; the folder of inputs is the one thing that may change."""
    rng = random.Random(f"{seed} {target.name}")
    home = folder / target.name
    inputs = home / "inputs"
    inputs.mkdir(parents=True)
    sound = target.make(home)
    path = inputs / f"input{target.suffix}"
    for data in sound:  # else everything would be refused for nothing
        path.write_bytes(target.wrap(data))
        target.read(path)
    before, count = tree(folder), Count()
    others = tuple(sound)
    mutated = (target.wrap(mutate(rng.choice(sound), rng, others)) for _ in range(target.mutations))
    for what, made in (("forged", target.forge(sound, rng)), ("mutated", mutated)):
        for i, data in enumerate(made):
            (folder / "current").write_text(f"{target.name}, {what} {i}: {path}")
            read_one(target, path, data, count, f"{target.name} {what} {i}")
    path.unlink()
    (folder / "current").unlink()
    after = tree(folder)
    known = {name: digest for name, digest in before.items() if name != str(path.relative_to(folder))}
    if after != known:
        count.faults.append(f"{target.name}: files written: {sorted(set(after.items()) ^ set(known.items()))[:3]}")
    return count


def limit_memory() -> None:
    """From here on, this process gets no more than `MEMORY` beyond what it has."""
    status = Path("/proc/self/status")
    if status.exists():
        lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
        has = int(lines["VmData"].split()[0]) << 10
        resource.setrlimit(resource.RLIMIT_DATA, (has + MEMORY, has + MEMORY))


def main(folder: Path, seed: int, names: list[str]) -> None:
    """Run the targets and print what became of them."""
    warnings.simplefilter("ignore")
    found = [target for part in ("files", "sessions", "networks") if part in names for target in _targets(part)]
    work = folder / "work"
    work.mkdir()
    os.chdir(folder)
    limit_memory()
    outside = tree(folder)
    for target in found:
        with open(os.devnull, "w") as nowhere, redirect_stderr(nowhere), redirect_stdout(nowhere):  # progress
            count = run(target, work, seed)
        changed = {name for name in tree(folder).keys() - outside.keys() if not name.startswith("work/")}
        if changed:
            count.faults.append(f"{target.name}: written outside of the work folder: {changed}")
        result = {"target": target.name, "refused": count.refused, "accepted": count.accepted, "faults": count.faults}
        print(json.dumps(result), flush=True)


def _targets(part: str) -> list[Target]:
    return importlib.import_module(f"tests.fuzz.{part}_targets").TARGETS


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
