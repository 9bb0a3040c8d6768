"""Files of the study end with a seal: any flipped bit or cut is an error that names the file, never other numbers."""

import random
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from ventral.data.images import read_stimulus_ids, write_images
from ventral.data.responses import read_responses, write_responses
from ventral.data.xiao.spikes import read_spikes, write_spikes
from ventral.files.atomic import SEAL_SIZE, check_writable, enduring, reading, writing
from ventral.files.errors import InputError
from ventral.gram.file import read_gram, write_gram, writing_grams
from ventral.gram.matrix import gram_of
from ventral.networks.hmo import LayerPlan, build_hmo, make_card, write_hmo
from ventral.networks.own import find_state
from ventral.training.checkpoints import FILE, read_checkpoint, write_checkpoint

RNG = np.random.default_rng(0)
IDS = ["a", "b", "c"]


def write_grams(path):
    with writing_grams(path, np.array(IDS)) as file:
        write_gram(file, "layer", gram_of(RNG.normal(size=(3, 4))))


def write_predictions(path):
    dataset = xr.Dataset({"prediction": (("stimulus", "neuroid"), RNG.normal(size=(3, 2)))}, {"id": ("stimulus", IDS)})
    write_responses(dataset, path)


def write_state(path):
    card = make_card([(LayerPlan(2, 3, 0.0, None, 3, 2, 3, 0.1),)], [0], image_size=8, seed=0, top_units=2)
    write_hmo(build_hmo(card), card, path, path.with_name("card.json"))


KINDS = {
    "images.h5": (lambda path: write_images(path, np.zeros((3, 4, 4, 3), np.uint8), IDS), read_stimulus_ids),
    "grams.h5": (write_grams, lambda path: read_gram(path, "layer")),
    "spikes.h5": (lambda path: write_spikes(path, ["u"], [np.arange(9)], 100), read_spikes),
    "responses.nc": (write_predictions, read_responses),
    "state.pt": (write_state, lambda path: find_state(str(path), "networks.hmo")),
}


def damaged(data: bytes, n: int = 40) -> list[bytes]:
    """Copies of the bytes with one bit flipped, the first and last byte's among them, or with the end cut off."""
    rng = random.Random(0)
    places = [0, len(data) - 1, *(rng.randrange(len(data)) for _ in range(n))]
    flipped = [data[:k] + bytes([data[k] ^ 1 << rng.randrange(8)]) + data[k + 1 :] for k in places]
    return flipped + [data[:k] for k in (0, 1, len(data) // 2, len(data) - SEAL_SIZE, len(data) - 1)]


@pytest.mark.parametrize("name", KINDS)
def test_damage_is_told(tmp_path, name):
    write, read = KINDS[name]
    path = tmp_path / name
    write(path)
    read(path)
    for data in damaged(path.read_bytes()):
        path.unlink()  # so that no two copies have one time of writing
        path.write_bytes(data)
        with pytest.raises(InputError) as error:
            read(path)
        assert str(error.value).startswith(f"{path}: file: damaged or incomplete (")
        assert str(error.value).endswith("; delete it, run again")


def test_a_damaged_checkpoint_is_set_aside(tmp_path, capsys):
    write_checkpoint(tmp_path, "me", {"epoch": 3})
    assert read_checkpoint(tmp_path, "me") == {"epoch": 3}
    for data in damaged((tmp_path / FILE).read_bytes()):
        (tmp_path / FILE).write_bytes(data)
        assert read_checkpoint(tmp_path, "me") is None
        assert f"{FILE}: damaged; set aside as checkpoint.old.pt, training starts afresh" in capsys.readouterr().err


def test_what_a_killed_job_left_is_cleared(tmp_path):
    others = [".table.1.h5", ".table.x.csv", ".table.csv", ".another.1.csv", "table.1.csv"]
    for name in [".table.1.csv", ".table.4000000.csv", *others]:
        (tmp_path / name).touch()
    with writing(tmp_path / "table.csv") as temporary:
        temporary.touch()
    assert {path.name for path in tmp_path.iterdir()} == {"table.csv", *others}


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_is_one_line(tmp_path):
    with pytest.raises(InputError) as error, writing(tmp_path / "table.h5") as temporary:
        temporary.symlink_to("/dev/full")
        with enduring(temporary) as file:
            for _ in range(3):
                assert file.write(b"more") == 4
    assert str(error.value) == f"{tmp_path / 'table.h5'}: disk: no space left; free some and run again"
    assert not list(tmp_path.iterdir())


def test_a_folder_in_the_way_is_one_line(tmp_path):
    (tmp_path / "folder").touch()
    with pytest.raises(InputError, match="folder: disk: "), writing(tmp_path / "folder" / "table.csv"):
        pass


def test_a_sound_disk_passes_and_so_does_a_folder_to_be_made(tmp_path):
    check_writable(tmp_path)
    check_writable(tmp_path / "nowhere")


def test_a_full_disk_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("ventral.files.atomic.LEAST_ROOM", 1 << 62)
    with pytest.raises(InputError, match=f"^{tmp_path}: disk: no space left; free some and run again$"):
        check_writable(tmp_path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"nothing\.h5: file: damaged or incomplete"), reading(tmp_path / "nothing.h5"):
        pass
