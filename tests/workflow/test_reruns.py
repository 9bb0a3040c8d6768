"""Only what changed reruns: dry runs of a finished study after one change each."""

import os
import re
import shutil

import pytest
import torch
import yaml

CONFIG = "config/small.yaml"
NETWORK = "efficientnet_lite0"


# What new scores of one dataset lead to.
SCORED = {
    "assemble_scores",
    "assemble_reproduction",
    *(f"draw_figure {kind}_majaj" for kind in ("layers", "levels", "scores", "targets")),
    *("draw_figure reproduction", "write_report"),
}
DRAWN = (
    *(f"{kind}_majaj" for kind in ("layers", "levels", "scores", "targets", "rdms", "categories", "training")),
    "reproduction",
)
TOLD = {"write_provenance", "write_report"}  # of any change of the config


@pytest.fixture
def planned(snakemake):
    """The jobs that Snakemake would run, as texts `rule wildcard wildcard ...`."""

    def plan(workdir, *arguments, config=CONFIG):
        done = snakemake(workdir, *arguments, "--dry-run", "--configfile", config)
        assert done.returncode == 0, done.stdout
        blocks = re.findall(r"^(?:local)?rule (\w+):\n((?: +.*\n)+)", done.stdout, re.MULTILINE)
        jobs = {" ".join([rule, *re.findall(r"\w+=([^,\n]+)", wildcards_of(block))]) for rule, block in blocks}
        assert bool(jobs) != ("Nothing to be done" in done.stdout), done.stdout
        return jobs

    return plan


def wildcards_of(block):
    found = re.search(r"^ +wildcards: (.*)$", block, re.MULTILINE)
    return found.group(1) if found else ""


def rules_of(jobs):
    return {job.split()[0] for job in jobs}


def change_config(workdir, change):
    config = yaml.safe_load((workdir / CONFIG).read_text())
    change(config)
    (workdir / CONFIG).write_text(yaml.safe_dump(config, sort_keys=False))


def append_comment(path):
    path.write_text(f"{path.read_text()}\n# a comment\n")


def replace(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def touch(paths):
    paths = list(paths)
    assert paths
    for path in paths:
        os.utime(path)


def test_nothing_changed(finished, planned):
    assert planned(finished) == set()


def test_new_layer_runs_its_network_and_what_follows(finished, planned):
    change_config(finished, lambda config: config["networks"][NETWORK]["layers"].append("_blocks.10"))
    assert planned(finished) == {
        f"extract_activations majaj {NETWORK}",
        f"fit_encoders majaj holdout {NETWORK}",
        "compare_rdms majaj",
        *SCORED,
        *TOLD,
        "assemble_rsa",
        "draw_figure rdms_majaj",
        "all",
    }


def test_new_readout_fits_the_linear_readouts_of_its_network_in_one_job(finished, planned):
    change_config(finished, lambda config: config["readouts"].update(ols={"alpha": 0, "networks": ["pixels"]}))
    assert {re.sub(r"_\d ", " ", job) for job in planned(finished)} == {
        "fit_encoders majaj holdout pixels",
        *SCORED,
        *TOLD,
        "all",
    }


def test_new_deep_head_fits_itself_alone(finished, planned):
    deep = {"mlp": [8], "components": 20, "networks": [NETWORK]}
    change_config(finished, lambda config: config["readouts"].update(deep_head=deep))
    fitted = [job for job in planned(finished) if job.startswith("fit_encoders")]
    assert [re.sub(r"_\d ", " ", job) for job in fitted] == [f"fit_encoders majaj holdout {NETWORK}"]


def test_new_protocol_shares_every_gram_matrix(finished, planned):
    change_config(finished, lambda config: config.update(protocols=["holdout", "brainscore"]))
    assert planned(finished) == {
        *(f"fit_encoders majaj brainscore {network}" for network in ("pixels", NETWORK)),
        "train_encoder majaj brainscore cnn_2-linear",
        "check_responses majaj brainscore",
        *SCORED,
        *TOLD,
        "all",
    }


def test_comment_in_figures_draws_alone(finished, planned):
    append_comment(finished / "ventral" / "figures" / "style.py")
    assert planned(finished) == {
        *(f"draw_figure {name}" for name in DRAWN),
        "write_report",
        "all",
    }


def test_edit_of_one_figure_draws_that_one_alone(finished, planned):
    append_comment(finished / "ventral" / "figures" / "rdms.py")
    assert planned(finished) == {"draw_figure rdms_majaj", "write_report", "all"}


def test_another_figure_draws_itself_alone(finished, planned):
    text = (finished / "ventral" / "figures" / "rdms.py").read_text()
    (finished / "ventral" / "figures" / "again.py").write_text(text)
    assert planned(finished) == {"draw_figure again_majaj", "write_report", "all"}


def test_edit_of_a_metric_that_no_fit_uses_scores_again_and_fits_nothing(finished, planned):
    append_comment(finished / "ventral" / "scores" / "metrics" / "mse.py")
    rules = rules_of(planned(finished))
    assert "assemble_scores" in rules
    assert not rules & {"extract_activations", "fit_encoders", "train_encoder", "compare_rdms"}


def test_another_format_of_figures_draws_alone(finished, planned):
    change_config(finished, lambda config: config.update(figure_formats=["png", "svg", "pdf"]))
    jobs = planned(finished)
    assert jobs == {*(f"draw_figure {name}" for name in DRAWN), *TOLD, "all"}


def test_edit_of_linear_fits_again_and_extracts_nothing(finished, planned):
    append_comment(finished / "ventral" / "readouts" / "linear.py")
    # The check of weights is a readout too, of its own small set of images.
    assert rules_of(planned(finished)) == {"fit_encoders", "check_weights", *rules_of(SCORED), "all"}


def test_edit_of_one_readout_fits_that_readout_alone(finished, planned):
    readouts = finished / "ventral" / "readouts"
    for kind in ("mlp", "pls"):  # no network of this study has one
        append_comment(readouts / f"{kind}.py")
        assert planned(finished) == set()
    change_config(finished, lambda config: config["readouts"].update(pls3={"pls": 3, "networks": ["pixels"]}))
    new = planned(finished)
    append_comment(readouts / "pls.py")
    assert planned(finished) == new and {job for job in new if NETWORK in job} == set()
    append_comment(readouts / "ridge.py")
    assert f"fit_encoders majaj holdout {NETWORK}" in {re.sub(r"_\d ", " ", job) for job in planned(finished)}


def test_edit_of_scores_runs_no_network_and_packs_no_images(finished, planned):
    append_comment(finished / "ventral" / "scores" / "scoring.py")
    rules = rules_of(planned(finished))
    assert "assemble_scores" in rules
    assert not rules & {"extract_activations", "pack_images", "simulate_majaj"}


def test_edit_of_a_source_reruns_the_reader_that_it_touches(finished, planned):
    source = finished / "ventral" / "data" / "sources" / "majaj.py"
    append_comment(source)
    replace(source, "number of sites over IT and V4", "sites of IT and V4")
    assert planned(finished) == set()
    replace(source, "split or {}", "dict(split or {})")
    jobs = planned(finished)
    assert {"read_responses majaj", "check_responses majaj holdout"} <= jobs
    assert not rules_of(jobs) & {"pack_images", "extract_activations", "simulate_majaj"}


def test_touched_files_change_nothing(finished, planned):
    touch((finished / "resources" / "majaj_simulated").iterdir())
    touch((finished / "ventral").rglob("*.py"))
    assert planned(finished) == set()


def test_bootstrap_fits_nothing(finished, planned):
    change_config(finished, lambda config: config.update(bootstrap=200))
    assert planned(finished) == {
        *SCORED,
        *TOLD,
        "compare_rdms majaj",
        "assemble_rsa",
        *("draw_figure rdms_majaj", "draw_figure categories_majaj"),
        "all",
    }


def test_another_seed_runs_everything(finished, planned):
    change_config(finished, lambda config: config.update(seed=1))
    everything = planned(finished, "--forceall")
    assert len(everything) == 26
    assert planned(finished) == everything - {"render_objects"}  # the same objects for every study


def test_threads_and_memory_change_nothing(finished, planned):
    change_config(finished, lambda config: config.update(resources={"mem_mb": 3000}))
    replace(finished / "workflow" / "rules" / "encoders.smk", "threads: 1", "threads: 2")
    replace(finished / "workflow" / "rules" / "sources.smk", "mem_mb=enough(2000", "mem_mb=enough(3000")
    assert planned(finished) == {*TOLD, "all"}
    assert planned(finished, "--cores", "1") == {*TOLD, "all"}


OWN_NETWORK = {
    "net.py": "import pkg.parts\nfrom helper import layers\n\ndef make():\n    return layers(pkg.parts.UNITS)\n",
    "helper.py": "from torch import nn\n\ndef layers(n):\n    return nn.Sequential(nn.Conv2d(3, n, 3), nn.ReLU())\n",
    "pkg/__init__.py": "",
    "pkg/parts.py": "from . import sizes\n\nUNITS = sizes.UNITS\n",
    "pkg/sizes.py": "from . import parts\n\nUNITS = 4\n",
}
OWN_TARGETS = ("results/images/mine.h5", "results/responses/mine.nc", "results/activations/mine/own.h5")


@pytest.fixture
def own(recordings, snakemake):
    """Somebody's own recordings and network of their own, read and run."""
    for name, text in OWN_NETWORK.items():
        (recordings / name).parent.mkdir(exist_ok=True)
        (recordings / name).write_text(text)
    config = {
        "datasets": {"mine": {"images": "images", "responses": "responses.npy"}},
        "networks": {"own": {"architecture": "net.py:make", "weights": "w.pt", "layers": ["1"], "image_size": 32}},
        "readouts": {"ols": {"alpha": 0}},
    }
    (recordings / "mine.yaml").write_text(yaml.safe_dump(config))
    torch.save({"0.weight": torch.rand(4, 3, 3, 3), "0.bias": torch.zeros(4)}, recordings / "w.pt")
    done = snakemake(recordings, *OWN_TARGETS, "--configfile", "mine.yaml")
    assert done.returncode == 0, done.stdout
    return recordings


def rewrite(path, change, date=1.6e9):
    """Change the bytes of a file, and date it before any result."""
    path.write_bytes(change(path.read_bytes()))
    os.utime(path, (date, date))


def last_byte(data):
    return data[:-1] + bytes([data[-1] ^ 1])


def test_what_comes_from_outside_reruns_by_content_whatever_its_date(own, planned):
    def plan():
        return planned(own, *OWN_TARGETS, config="mine.yaml")

    touch([own / "responses.npy", own / "net.py", own / "images", *(own / "images").iterdir(), *own.glob("pkg/*.py")])
    assert plan() == set()
    (own / "images" / ".DS_Store").write_bytes(b"of a system")
    assert plan() == set()
    rewrite(own / "responses.npy", last_byte)
    assert plan() == {"read_responses mine"}
    rewrite(own / "responses.npy", last_byte)  # as it was
    assert plan() == set()
    before = (own / "images" / "7.png").stat()
    rewrite(own / "images" / "7.png", last_byte, before.st_mtime)  # of the same size and date
    both = {"read_responses mine", "pack_images mine"}
    assert plan() == {*both, "extract_activations mine own"}
    rewrite(own / "images" / "7.png", last_byte)
    assert plan() == set()
    shutil.copy(own / "images" / "1.png", own / "images" / "13.png")
    assert plan() == {*both, "extract_activations mine own"}
    (own / "images" / "13.png").unlink()
    for name in (*OWN_NETWORK, "w.pt"):
        text = (own / name).read_bytes()
        rewrite(own / name, lambda text: text + b"# edited\n")
        assert plan() == {"extract_activations mine own"}, name
        rewrite(own / name, lambda _, text=text: text)
    assert plan() == set()
