"""In README and docs, commands work, links lead to existing pages, and names exist."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import pytest
import yaml

from ventral.study.faults import check_config

REPO = Path(__file__).parents[2]
PAGES = [REPO / "README.md", *sorted((REPO / "docs").glob("*.md"))]
COMMAND = re.compile(r"(make|snakemake|python3?|\.venv/bin/\w+)\b")
PROGRAMS = {
    "python": sys.executable,
    "snakemake": f"{sys.executable} -m snakemake --snakefile {REPO / 'Snakefile'}",
}
CELLS = re.compile(r"`([^`]+)`")

# Commands that no test of this file runs, by a pattern of the whole line, and why.
ELSEWHERE = {
    r"make (run|real|test|lint)\b.*": "what continuous integration runs",
    r".*-m pytest tests/unit .*": "what continuous integration runs",
    r"make gpu|.*python -m benchmarks\.gpu\b.*": "tests/gpu/test_benchmark.py",
    r"make \.venv/made": "it made the environment of this test",
    r"\.venv/bin/uv pip install .* --extra slurm": "tests/workflow/cluster installs it in a folder of its own",
    r".*--(executor|jobs|profile|workflow-profile) .*": "needs a cluster",
    r".*-m ventral doctor .*": "asks publishers' servers; tests/unit/study/test_doctor.py runs it",
    r".*-m ventral predict results/encoders/majaj/.*": "tests/workflow/test_keep_encoder.py, of the small study",
    r".* results/encoders/majaj/.* --configfile mine\.yaml": "tests/workflow/test_keep_encoder.py, of the small study",
    r"\.venv/bin/snakemake --cores all --configfile mine\.yaml( --dry-run)?": "the tutorial runs another",
    r".*-m ventral (debug|schema)\b.*": "tests/workflow/test_module.py and tests/unit/study/test_reference.py",
    r".* results/images/majaj\.h5 --configfile config/small\.yaml": "the small study is run whole",
    r".*-m ventral layers cornet_s .*": "tests/unit/test_main.py, of another network",
    r"\.venv/bin/snakemake --unlock": "tests/workflow/test_train_encoder.py",
}
PLANNED = {
    ".venv/bin/snakemake --cores all --configfile config/published.yaml": "downloads gigabytes",
    ".venv/bin/snakemake --cores all": "the default study: minutes",
    ".venv/bin/snakemake --cores all --configfile config/v4.yaml": "tests/real/test_v4_published.py runs it",
}


class Block(NamedTuple):
    """A fenced block: its language, its lines, and the file that the line before it names."""

    language: str
    text: str
    file: str


def blocks(page):
    found = re.finditer(r"(?P<before>[^\n]*)\n\n```(?P<language>\w*)\n(?P<text>.*?)```", page.read_text(), re.DOTALL)
    for block in found:
        named = re.match(r"`([\w.]+)`[:,]", block["before"])
        yield Block(block["language"], block["text"], named[1] if named else "")


def commands(page):
    """Commands of a page, without comments; a block without a language may be a printed answer."""
    for block in blocks(page):
        if block.language in ("", "sh"):
            for line in block.text.splitlines():
                command = line.split("  #")[0].split(" #")[0].strip()
                if COMMAND.match(command):
                    yield command
                else:
                    assert block.language == "", line


def elsewhere(command):
    return any(re.fullmatch(pattern, command) for pattern in ELSEWHERE) or command in PLANNED


def follow(page, folder):
    """Write the files of a page and run its commands, in order, in a folder; what each printed."""
    said = {}
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(REPO), str(folder)])}
    for block in blocks(page):
        if block.file and block.language in ("python", "yaml"):
            (folder / block.file).write_text(block.text)
        for command in block.text.splitlines() if block.language in ("", "sh") else []:
            if not COMMAND.match(command) or elsewhere(command):
                continue
            line = re.sub(r"\.venv/bin/(\w+)", lambda program: PROGRAMS[program[1]], command)
            done = subprocess.run(line, shell=True, cwd=folder, env=environment, capture_output=True, text=True)
            assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
            said[command] = done.stdout
    return said


def test_the_tutorial(tmp_path):
    said = follow(REPO / "docs" / "tutorial.md", tmp_path)
    assert len(said) == 6
    summary = pd.read_csv(tmp_path / "results" / "tables" / "summary.csv").query("split == 'test'")
    r = summary.set_index("encoder")["pearson_r_mean"]
    assert r["tiny-ridge_loo"] > r["pixels-ridge_loo"]  # as it says
    assert (tmp_path / "results" / "figures" / "layers_stripes.png").is_file()
    assert "tiny-ridge_loo" in said[".venv/bin/python look.py"]
    assert pd.read_csv(tmp_path / "predicted.csv").shape == (2, 7)


def test_a_network_of_ones_own(tmp_path):
    page = REPO / "docs" / "extend.md"
    said = follow(page, tmp_path)
    (layers,) = (said[command] for command in said if "ventral layers" in command)
    assert f"```\n{layers}```" in page.read_text()


def test_every_command_is_run_or_listed():
    followed = {REPO / "docs" / name for name in ("tutorial.md", "extend.md")}
    unknown = [(page.name, c) for page in PAGES if page not in followed for c in commands(page) if not elsewhere(c)]
    assert not unknown
    told = [command for page in PAGES for command in commands(page)]
    assert not [pattern for pattern in ELSEWHERE if not any(re.fullmatch(pattern, command) for command in told)]
    assert set(PLANNED) <= {*told, ".venv/bin/snakemake --cores all"}


@pytest.mark.parametrize("command", PLANNED)
def test_studies_of_the_readme_can_be_planned(tmp_path, command):
    (tmp_path / "config").symlink_to(REPO / "config")
    (tmp_path / "config.yaml").symlink_to(REPO / "config.yaml")
    arguments = [*command.split()[1:], "--snakefile", str(REPO / "Snakefile"), "--dry-run", "--quiet"]
    done = subprocess.run([sys.executable, "-m", "snakemake", *arguments], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    links = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text())
    assert not [link for link in links if not (page.parent / link).exists()]


# The configs of docs/develop.md have parts that tests/workflow/test_develop.py adds and runs.
@pytest.mark.parametrize("page", [page for page in PAGES if page.name != "develop.md"], ids=lambda page: page.name)
def test_configs_are_sound(page):
    for block in blocks(page):
        if block.language == "yaml":
            config = {"datasets": {"majaj": {"source": "simulated"}}} | yaml.safe_load(block.text)
            assert check_config(config) == [], block.text


def test_the_layout_names_every_rule_file_and_column(study):
    page = (REPO / "docs" / "results.md").read_text()
    scripts = {path.stem for path in (REPO / "scripts").glob("*.py")}
    rows = [line.split("|") for line in page.splitlines() if line.startswith("| `") and line.count("|") == 4]
    makers = {name for row in rows for name in CELLS.findall(row[2]) if re.fullmatch(r"[a-z]+_\w+", name)}
    makers = {name for name in makers if name.split("_")[0] in {script.split("_")[0] for script in scripts}}
    assert {"assemble_scores", "train_encoder", "write_provenance"} <= makers <= scripts
    named = {name for row in rows for name in CELLS.findall(row[1])}
    patterns = [re.sub(r"\\\{\w+\\\}", r"[^/]+", re.escape(name)).replace(r"\*", ".+") for name in named]
    patterns += [f"tables/{pattern}" for pattern in patterns]
    patterns.append(r"figures/[^/]+\.svg")
    made = [str(path.relative_to(study / "results")) for path in (study / "results").rglob("*") if path.is_file()]
    assert made and not [path for path in made if not any(re.fullmatch(pattern, path) for pattern in patterns)]
    columns = set(CELLS.findall(page)) | {f"{metric}_{part}" for metric in METRICS for part in PARTS}
    for path in (study / "results" / "tables").glob("*.csv"):
        assert set(pd.read_csv(path, nrows=0).columns) <= columns, path.name


METRICS = ("explained_variance", "r2", "pearson_r", "mse", "ceiled_r2")
PARTS = ("mean", "low", "high", "median")
