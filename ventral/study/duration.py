"""How long what is left of a study takes on this machine.

Snakemake's dry run says which jobs are left. A job that ran before in this folder takes as long again. Others take what
is typical of their rule and number of images, and what a probe says of their network.
"""

import csv
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from fnmatch import fnmatch
from functools import cached_property
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING, Any

from ventral.data.images import read_stimulus_ids
from ventral.data.source import Source
from ventral.data.splits import REPEATS
from ventral.files.errors import InputError, listed
from ventral.study import paths
from ventral.study.plan import HYBRID, Study

if TYPE_CHECKING:
    from ventral.study.probe import Probe

START, END = paths.benchmark("*").split("*")
# Seconds of a job without the network that it runs: at any size, and those that 1,000 images add, which grow with a
# power of their number. A job has the first pattern that fits. Measured in the default study and in config/v4.yaml, on
# two virtual cores of an x86 server.
TYPICAL: dict[str, tuple[float, float, int]] = {
    "extract_activations/*": (2.2, 0, 1),
    "check_weights/*": (3.5, 0, 1),
    "train_encoder/*": (2.5, 0, 1),
    "train_on_faces/*": (2.5, 0, 1),
    "train_hmo": (2.5, 68, 1),
    "fit_encoders/*-linear": (1.4, 2, 3),
    "fit_encoders/*": (10, 10, 1),
    "compare_rdms/*": (3, 0, 1),
    "draw_figure/*": (2.7, 0, 1),
    "render_objects": (12.5, 0, 1),
    "simulate_majaj/*": (1, 13, 1),
    "simulate_xiao/*": (9, 0, 1),
    "fetch_kriegeskorte92": (6, 0, 1),
    "assemble_scores": (4, 0, 1),
    "pack_images/*": (0.8, 1, 1),
    "*": (1.5, 0, 1),
}
# Rules whose jobs differ so much that one says nothing about another.
SIZED = ("extract_activations", "check_weights", "train_encoder", "train_on_faces", "compare_rdms")
PAIRS = 1.4e-8  # seconds of a comparison of RDMs for a pair of images, a resample and a network
TRIES = 10  # images that try a network before it runs
OBJECTS = 320  # images that check weights
STEP = 2  # forward passes that a step of training takes as long as, early stops counted in
TRAIN = 0.8  # share of the images on which networks are trained
SPLITS = dict.fromkeys(("brainscore", "kfold"), REPEATS)  # of a protocol
GUESS = 1000  # images of a dataset whose number is not known


@dataclass(frozen=True)
class Outlook:
    """What is left of a study.

    Attributes:
        seconds: of every job, by the name of its benchmark.
        cores: of this machine.
        in_turn: seconds that jobs on the one GPU take together.
        scratch: bytes of temporary files at a time.
        notes: what was guessed.
    """

    seconds: Mapping[str, float]
    cores: int
    in_turn: float = 0
    scratch: float = 0
    notes: Sequence[str] = ()

    def __str__(self) -> str:
        if not self.seconds:
            return "nothing is left to run"
        by_rule: dict[str, float] = {}
        for job, seconds in self.seconds.items():
            by_rule[rule_of(job)] = by_rule.get(rule_of(job), 0) + seconds
        most = sorted(by_rule, key=lambda rule: -by_rule[rule])[:3]
        # The longest job may be the last to start.
        wall = max(sum(self.seconds.values()) / self.cores, self.in_turn) + max(self.seconds.values())
        beside = [f"about {self.scratch / 1e9:.1f} GB of temporary files"] if self.scratch > 5e7 else []
        what = f"{rounded(wall)} on {self.cores} cores: {len(self.seconds)} jobs, most time in {listed(most)}"
        return "; ".join([what, *beside, *self.notes])


def rounded(seconds: float) -> str:
    """Put a time into words, no more precise than an estimate is."""
    for unit, size, upto in (("seconds", 1, 90), ("minutes", 60, 90 * 60), ("hours", 3600, 48 * 3600)):
        if seconds < upto:
            n = round(seconds / size)
            return f"about {max(10, round(n, -1)) if size == 1 else n} {unit}"
    return f"about {seconds / 86400:.0f} days"


def rule_of(job: str) -> str:
    """The rule of a job, from the name of its benchmark."""
    return job.partition("/")[0]


def check_local(study: Study) -> None:
    """Refuse a study that Snakemake cannot plan, not even in a dry run, without a download.

    Raises:
        InputError: if the labels of stimuli are in a file at an address.
    """
    for name, source in study.datasets.items():
        if file := source.to_prepare:
            raise InputError(file, name, "must be downloaded before the study is planned", "run `snakemake --dry-run`")


def jobs_left(config_files: Sequence[str | Path]) -> list[str]:
    """The names of the benchmarks of all jobs that Snakemake would run in the current folder.

    Raises:
        InputError: if the dry run fails.
    """
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(paths.HOME / "Snakefile"), "--dry-run"]
    command += ["--nocolor", "--cores", "1", "--configfile", *map(str, config_files)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        why = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:] or ["no message"]
        raise InputError(config_files[-1], "dry run", why[0], "run `snakemake --dry-run` with the config to see why")
    return parse_jobs(done.stdout + done.stderr)


def parse_jobs(said: str) -> list[str]:
    """The names of the benchmarks, such as `pack_images/majaj`, in what a dry run said of its jobs."""
    lines = [line.strip().removeprefix("benchmark: ") for line in said.splitlines() if "benchmark: " in line]
    return [line.removeprefix(START).removesuffix(END) for line in lines]


def measured(job: str) -> float | None:
    """Seconds that a job took before in the current folder; None if it did not run, or its file is damaged."""
    with suppress(OSError, KeyError, TypeError, ValueError), open(paths.benchmark(job), newline="") as lines:
        return float(next(csv.DictReader(lines, delimiter="\t"), {})["s"])
    return None


def measured_of_rule(rule: str) -> float | None:
    """Mean seconds of the jobs of a rule that ran before in the current folder."""
    names = [str(file.relative_to(START))[: -len(END)] for file in Path(START, rule).rglob(f"*{END}")]
    found = [seconds for name in names if (seconds := measured(name)) is not None]
    return mean(found) if found else None


def count_images(source: Source) -> int | None:
    """The number of images of a dataset; None if that shows only when they are there."""
    packed = source.places.images
    return len(read_stimulus_ids(packed)) if Path(packed).is_file() else source.n_images


@dataclass
class Forecast:
    """Estimates the time of the jobs of a study.

    Attributes:
        study: to which the jobs belong.
        probe: of the networks.
        slowness: how much longer jobs take here than where `TYPICAL` was measured.
        scratch: bytes of temporary files of each job, as far as it is known.
        on_gpu: the jobs that run on a GPU.
    """

    study: Study
    probe: "Probe"
    slowness: float
    scratch: list[float] = field(default_factory=list)
    on_gpu: list[str] = field(default_factory=list)

    @cached_property
    def counts(self) -> dict[str, int | None]:
        """The number of images of each dataset."""
        return {name: count_images(source) for name, source in self.study.datasets.items()}

    def outlook(self, jobs: Sequence[str], cores: int) -> Outlook:
        """Estimate what these jobs take on so many cores."""
        seconds = {job: self.seconds(job) for job in jobs}
        unknown = [name for name, count in self.counts.items() if count is None]
        notes = [f"number of images not known: {listed(unknown)}, {GUESS:,} assumed"] if unknown else []
        if n := self.probe.unmeasured:
            notes.append(f"{n} networks not measured, which count as the median of the others")
        in_turn = sum(seconds[job] for job in self.on_gpu)
        return Outlook(seconds, cores, in_turn, sum(sorted(self.scratch)[-cores:]), notes)

    def seconds(self, job: str) -> float:
        """Estimate the seconds of a job, given the name of its benchmark."""
        known = measured(job)
        if known is not None:
            return known
        parts = job.split("/")
        dataset = parts[1] if len(parts) > 1 and parts[1] in self.counts else self.study.faces_dataset
        n = self.counts.get(dataset or "") or GUESS
        fixed, more, power = next(value for pattern, value in TYPICAL.items() if fnmatch(job, pattern))
        if rule_of(job) not in SIZED and not more:
            return measured_of_rule(rule_of(job)) or self.slowness * fixed
        splits = SPLITS.get(parts[2], 1) if len(parts) > 2 else 1
        on_network = self.network_seconds(parts, n, splits)
        if on_network and self.probe.on_gpu:
            self.on_gpu.append(job)
        work = splits * more * (n / 1000) ** power
        if rule_of(job) == "compare_rdms":
            work = PAIRS * n * n * self.study.config["bootstrap"] * len(self.study.networks_of(parts[1]))
        return self.slowness * (fixed + work) + on_network

    def network_seconds(self, parts: Sequence[str], n: int, splits: int) -> float:
        """The seconds in which a job runs a network on n images, or trains it. 0 if it runs none.

        Args:
            parts: of the name of its benchmark.
            n: number of images of its dataset.
            splits: number of splits for which a network is trained.
        """
        config, probe = self.study.config, self.probe
        match parts:
            case ["extract_activations", _, name] if config["networks"][name]["architecture"] != "labels":
                cost = probe.cost(config["networks"][name])
                if not probe.on_gpu:
                    self.scratch.append(4.0 * n * cost.units)
                return (n + TRIES) * cost.forward + n * n * cost.units * probe.product
            case ["check_weights", name]:
                return 2 * OBJECTS * probe.cost(config["networks"][name]).forward
            case ["train_on_faces", name]:
                return 4 * config["hmo"]["epochs"] * n * STEP * probe.cost(config["networks"][name]).forward
            case ["train_encoder", _, _, name]:
                entry = self.study.trained[name]
                runs = entry["seeds"] + (entry["search"]["trials"] if entry.get("search") else 0)
                step = 1 if entry["trainable"] == "none" else STEP
                forward = sum(probe.cost(each).forward for each in trained_networks(entry, config["networks"]))
                return splits * runs * entry["epochs"] * TRAIN * n * step * forward
        return 0


def trained_networks(entry: Mapping[str, Any], networks: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The networks, each with its keys, that an entry of `trained` trains."""
    name, size = entry["network"], entry.get("image_size")
    names = HYBRID if name == "hybrid" else (name,)
    found = [dict(networks.get(each, {"architecture": each})) for each in names]
    return [each | ({"image_size": size} if size else {}) for each in found]
