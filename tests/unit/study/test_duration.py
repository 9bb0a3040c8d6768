"""The doctor's estimate: jobs that are left, what each took before, what is typical, and what a probe measures."""

import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import yaml
from PIL import Image

from ventral.data.images import write_images
from ventral.files.errors import InputError
from ventral.study import doctor, duration, paths
from ventral.study.duration import Forecast, Outlook, count_images, jobs_left, measured, parse_jobs, rounded
from ventral.study.plan import Study
from ventral.study.probe import Cost, Probe, slowness
from ventral.study.recordings import source_of, sources_of

DRY = """
Job stats:
pack_images    1

rule pack_images:
    input: a
    benchmark: results/benchmarks/pack_images/majaj.tsv
    wildcards: dataset=majaj
rule fit_encoders_2:
    benchmark: results/benchmarks/fit_encoders/majaj/holdout/pixels-linear.tsv
rule all:
    input: b
"""
PROBED = SimpleNamespace(cost=lambda settings: Cost(0.01, 1000), product=1e-9, on_gpu=False, unmeasured=0)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def completed(**keys):
    with open("study.yaml", "w") as file:
        yaml.safe_dump({"datasets": {"majaj": {"source": "simulated"}}} | keys, file)
    config, faults = doctor.read_config(["study.yaml"])
    assert not faults
    return config


def forecast(config, probe=PROBED, slowness=1.0):
    return Forecast(Study(config, sources_of(config)), probe, slowness)


def ran(job, seconds):
    file = Path(paths.benchmark(job))
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"s\th:m:s\tcpu_time\n{seconds}\t0:00:01\t1.0\n")


def test_jobs_are_read_from_a_dry_run():
    assert parse_jobs(DRY) == ["pack_images/majaj", "fit_encoders/majaj/holdout/pixels-linear"]
    assert parse_jobs("Nothing to be done (all requested files are present and up to date).") == []


def test_snakemake_says_which_jobs_are_left():
    completed(datasets={"kriegeskorte92": {}}, networks={"pixels": {"architecture": "pixels"}})
    jobs = jobs_left(["study.yaml"])
    assert {"fetch_kriegeskorte92", "extract_activations/kriegeskorte92/pixels", "write_report"} <= set(jobs)
    assert len(jobs) == len(set(jobs)) and not Path("results").exists()


def test_a_study_that_cannot_be_planned_is_a_warning(monkeypatch):
    config = completed()
    failed = SimpleNamespace(returncode=1, stdout="", stderr="Building\nstudy.yaml: no way; give one\n")
    monkeypatch.setattr(duration.subprocess, "run", lambda *_, **__: failed)
    check = doctor.check_duration(Study(config, sources_of(config)), ["study.yaml"], 0)
    assert check.status == "warn" and "no way" in check.found and "snakemake --dry-run" in check.remedy
    at = {"images": "https://a.example/i.zip", "responses": "https://a.example/r.nc"}
    own = completed(datasets={"own": at | {"sha256": dict.fromkeys(at, "0" * 64)}})
    with pytest.raises(InputError, match="before the study is planned"):  # a dry run would download it
        duration.check_local(Study(own, sources_of(own)))


def test_what_ran_before_takes_as_long_again():
    ran("pack_images/majaj", 12.5)
    ran("draw_figure/scores_majaj", 3)
    ran("draw_figure/layers_majaj", 5)
    estimate = forecast(completed(), slowness=100)
    assert measured("pack_images/majaj") == estimate.seconds("pack_images/majaj") == 12.5
    assert estimate.seconds("draw_figure/rdms_majaj") == 4  # another job of a rule: the mean
    assert estimate.seconds("write_report") == 100 * duration.TYPICAL["*"][0]
    for damaged in ("", "-"):
        ran("write_report", damaged)
        assert measured("write_report") is None
    Path(paths.benchmark("write_report")).write_bytes(b"")
    assert measured("write_report") is None
    ran("extract_activations/majaj/labels", 1)  # says nothing about other networks
    assert estimate.seconds("extract_activations/majaj/pixels") > 100


def test_networks_take_what_the_probe_says():
    config = completed(
        trained={"a": {"network": "cnn", "epochs": 5, "seeds": 2}, "b": {"network": "hybrid", "epochs": 5}},
        protocols=["holdout", "kfold"],
    )
    estimate = forecast(config)
    start = duration.TYPICAL["extract_activations/*"][0]
    network = 394 * 0.01 + 384**2 * 1000 * 1e-9
    assert estimate.seconds("extract_activations/majaj/pixels") == pytest.approx(start + network)
    assert estimate.seconds("extract_activations/majaj/labels") == pytest.approx(start)
    assert estimate.scratch == [4 * 384 * 1000]
    start = duration.TYPICAL["train_encoder/*"][0]
    times = [estimate.seconds(f"train_encoder/majaj/{name}-linear") - start for name in ("holdout/a", "kfold/a")]
    assert times == pytest.approx([2 * 5 * 384 * 0.8 * 2 * 0.01, 10 * 2 * 5 * 384 * 0.8 * 2 * 0.01])
    assert estimate.seconds("train_encoder/majaj/holdout/b-linear") - start == pytest.approx(times[0])  # two networks
    assert estimate.seconds("check_weights/pixels") > 6.4 and estimate.seconds("compare_rdms/majaj") > 3


def test_cores_share_jobs_and_a_gpu_takes_one_at_a_time():
    jobs = ["extract_activations/majaj/pixels", "extract_activations/majaj/hmo", "write_report"]
    estimate = forecast(completed(), SimpleNamespace(**vars(PROBED) | {"on_gpu": True, "unmeasured": 3}))
    outlook = estimate.outlook(jobs, cores=8)
    assert outlook.in_turn == sum(outlook.seconds[job] for job in jobs[:2]) and outlook.scratch == 0
    assert "3 networks not measured" in str(outlook)
    assert str(Outlook({"a/1": 100, "a/2": 60, "b": 40}, 2)) == "about 3 minutes on 2 cores: 3 jobs, most time in a, b"
    assert "about 1.2 GB of temporary files" in str(Outlook({"a": 1}, 2, scratch=1.2e9))
    assert str(Outlook({}, 2)) == "nothing is left to run"


@pytest.mark.parametrize(
    "seconds, told",
    [(3, "10 seconds"), (84, "80 seconds"), (231, "4 minutes"), (5e3, "83 minutes"), (2e4, "6 hours"), (4e5, "5 days")],
)
def test_times_are_rounded(seconds, told):
    assert rounded(seconds) == f"about {told}"


def test_images_are_counted_without_a_download(folder):
    def count(name, **settings):
        config = completed(datasets={name: settings})
        return count_images(source_of(name, config["datasets"][name]))

    assert count("majaj", source="simulated") == 384 and count("majaj", source="published") == 3200
    assert count("xiao", source="simulated") == 150 and count("xiao", source="dandi") is None
    assert count("xiao", source="simulated", crop_degrees=4) == 4 * 500
    assert count("kriegeskorte92") == 92 and count("cowley_v4", sessions=[210325]) == pytest.approx(640, rel=0.1)
    (folder / "images").mkdir()
    for i in range(3):
        Image.new("RGB", (8, 8)).save(f"images/{i}.png")
    np.save("rates.npy", np.ones((3, 2)))
    assert count("own", images="images", responses="rates.npy") == 3
    shutil.rmtree("images")
    (folder / "images").mkdir()
    Path("results/images").mkdir(parents=True)
    write_images("results/images/own.h5", np.zeros((2, 8, 8, 3), np.uint8), ["a", "b"])
    assert count("own", images="images", responses="rates.npy") == 2
    estimate = forecast(completed(datasets={"xiao": {"source": "dandi"}}))
    assert "number of images not known: xiao, 1,000 assumed" in str(estimate.outlook(["write_report"], 2))


def test_the_probe_measures_each_network_once_while_it_has_time():
    probe = Probe(torch.device("cpu"))
    cost = probe.cost({"architecture": "cnn", "image_size": 16})
    assert 0 < cost.forward < 1 and cost.units == 16 * 8 * 8 + 32 * 4 * 4 + 64 * 2 * 2
    assert probe.cost({"architecture": "cnn", "image_size": 16, "weights": "pretrained"}) is cost
    assert probe.product > 0 and slowness() > 0
    probe.cost({"architecture": "no_such.py:network", "image_size": 16})  # the run itself will say what is wrong
    probe.left = 0
    assert probe.cost({"architecture": "resnet18", "image_size": 64}) == cost and probe.unmeasured == 2
    assert probe.cost({"architecture": "pixels", "image_size": 8}).units == 3 * 8 * 8  # small networks always run
