"""Measure the reading of Majaj & Hong 2015 at its published size: download past two bad mirrors, read, split, ceilings.

python -m benchmarks.published_size FOLDER

The recordings are simulated once in FOLDER/source (600 MB, five minutes). This is not timed.
"""

import hashlib
import multiprocessing
import re
import resource
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pandas as pd
import yaml

from tests.loopback import Loopback, closed_port
from ventral.data.majaj.files import IMAGES, SITES
from ventral.data.majaj.simulation import simulate
from ventral.data.sources.majaj import PUBLISHED
from ventral.files.fetch import fetch

REPO = Path(__file__).parents[1]
CORES = 2
TARGETS = ("results/responses/majaj.nc", "results/images/majaj.h5")
SIZE = {
    "n_images": sum(n for n, _ in IMAGES.values()),
    "image_size": 256,
    "n_sites": sum(SITES.values()),
    "repetitions": IMAGES[3][1],
}


def download(jobs: list[tuple[list[str], Path, str]]) -> tuple[float, float]:
    """Download files. Return the seconds it took, and the peak memory of this process in MB."""
    start = time.perf_counter()
    for urls, path, digest in jobs:
        fetch(urls, path, digest=digest)
    # getrusage would include the memory of the process that started this one.
    peak = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return time.perf_counter() - start, int(peak[1]) / 1024


def run_study(folder: Path, config: Path) -> tuple[float, float]:
    """Run Snakemake. Return the seconds it took, and the peak memory of its largest process in MB."""
    command = [sys.executable, "-m", "snakemake", "--snakefile", REPO / "Snakefile", "--directory", folder]
    start = time.perf_counter()
    subprocess.run([*command, "--configfile", config, "--cores", str(CORES), *TARGETS], check=True)
    return time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024


def main(folder: Path) -> None:
    source, study = folder / "source", folder / "study"
    made = {kind: source / name for kind, (name, _) in PUBLISHED.items()}
    if not all(path.is_file() for path in made.values()):
        simulate(made["assembly"], made["stimuli"], made["images"], source / "truth.nc", **SIZE, seed=0)

    arrived = {kind: study / "resources" / path.name for kind, path in made.items()}
    for path in (*arrived.values(), *(study / target for target in TARGETS)):
        path.unlink(missing_ok=True)
    study.mkdir(exist_ok=True)
    config = study / "study.yaml"
    config.write_text(
        yaml.safe_dump({"datasets": {"majaj": {"source": "files", **{kind: str(p) for kind, p in arrived.items()}}}})
    )
    # Downloads run in a process of their own, so that the files in the memory of the server do not count.
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as apart:
        with Loopback() as server:
            jobs = []
            for kind, path in made.items():
                body = path.read_bytes()
                corrupt, right = (
                    server.add(f"/1/{path.name}", body, always="other"),
                    server.add(f"/2/{path.name}", body),
                )
                urls = [f"{closed_port()}/{path.name}", corrupt, right]
                jobs.append((urls, arrived[kind], f"sha1:{hashlib.sha1(body).hexdigest()}"))
            downloading, download_mb = apart.submit(download, jobs).result()
        working, study_mb = apart.submit(run_study, study, config).result()

    print(f"download, past a dead and a corrupt mirror {downloading:6.1f} s {download_mb:5.0f} MB")
    for path in sorted((study / "results" / "benchmarks").glob("*.tsv")):
        row = pd.read_csv(path, sep="\t").iloc[0]
        print(f"{path.stem:42s} {row['s']:6.1f} s {row['max_rss']:5.0f} MB (its benchmark file)")
    # Snakemake samples memory twice a minute and may miss a peak; the kernel does not.
    print(f"{f'Snakemake on {CORES} cores, largest process':42s} {working:6.1f} s {study_mb:5.0f} MB")
    print(f"{'download to ceilings':42s} {downloading + working:6.1f} s")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
