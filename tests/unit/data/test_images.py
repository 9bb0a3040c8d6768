"""Images from folders and archives are read whole or refused."""

import io
import os
import zipfile

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from ventral.data.images import (
    check_pairing,
    find_stimuli,
    natural_key,
    open_images,
    read_images,
    read_stimulus_ids,
    stimulus_ids,
    write_images,
)
from ventral.data.pixels import BACKGROUND, decode_image
from ventral.files.errors import InputError

PIXELS = np.random.default_rng(0).integers(0, 256, (8, 6, 3), dtype=np.uint8)


def encoded(image: Image.Image | np.ndarray, kind: str = "PNG", **options) -> bytes:
    buffer = io.BytesIO()
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(buffer, kind, **options)
    return buffer.getvalue()


def make_zip(path, members: dict[str, bytes], compression=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def read_all(source):
    names, read = open_images(source)
    return read_images(source, names, read)


def numbered(n: int) -> dict[str, bytes]:
    return {f"image{i}.png": encoded(np.full((8, 6, 3), i, dtype=np.uint8)) for i in range(1, n + 1)}


def test_natural_order():
    names = ["image10.png", "image2.png", "b1/image1.png", "image1.png", "10.png", "9.png"]
    assert sorted(names, key=natural_key) == [
        *("9.png", "10.png", "b1/image1.png", "image1.png", "image2.png", "image10.png")
    ]


@given(st.lists(st.text(max_size=6), max_size=6))
def test_any_names_have_an_order(names):
    sorted([*names, "²", "٣1"], key=natural_key)


@given(st.lists(st.integers(0, 10**6), unique=True))
def test_numbers_are_ordered_as_numbers(numbers):
    names = [f"stimulus_{i}.png" for i in numbers]
    assert sorted(names, key=natural_key) == [f"stimulus_{i}.png" for i in sorted(numbers)]


@pytest.mark.parametrize("inside", ["", "stimuli/", "a/b/"])
def test_folder_and_zip_read_alike(tmp_path, inside, capsys):
    clutter = {".DS_Store": b"x", f"__MACOSX/{inside}._image1.png": b"x", f"{inside}.hidden/image3.png": b"x"}
    members = {inside + name: data for name, data in numbered(12).items()}
    folder = tmp_path / "folder"
    for name, data in (members | clutter).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    archive = make_zip(tmp_path / "images.zip", clutter | dict(reversed(members.items())))
    with zipfile.ZipFile(archive, "a") as opened:
        opened.mkdir("empty")
    for source in (folder, archive):
        names, _ = open_images(source)
        assert names == [f"{inside}image{i}.png" for i in range(1, 13)]
        assert stimulus_ids(names) == [f"image{i}.png" for i in range(1, 13)]
        images = read_all(source)
        assert images.dtype == np.uint8
        np.testing.assert_array_equal(images[:, 0, 4, 0], range(1, 13))


def test_names_of_one_number_have_one_order(tmp_path):
    one, other = encoded(np.zeros((4, 4, 3), np.uint8)), encoded(np.ones((4, 4, 3), np.uint8))
    a = make_zip(tmp_path / "a.zip", {"i1.png": one, "i01.png": other})
    b = make_zip(tmp_path / "b.zip", {"i01.png": other, "i1.png": one})
    assert open_images(a)[0] == open_images(b)[0] == ["i01.png", "i1.png"]


@pytest.mark.parametrize("kind, options", [("PNG", {}), ("BMP", {}), ("TIFF", {}), ("WEBP", {"lossless": True})])
def test_lossless_formats_give_the_pixels(kind, options):
    np.testing.assert_array_equal(decode_image(encoded(PIXELS, kind, **options), "s", "n"), PIXELS)


def test_transparency_shows_the_grey_ground():
    alpha = np.full((8, 6), 255, dtype=np.uint8)
    alpha[0, 0], alpha[0, 1] = 0, 64
    found = decode_image(encoded(np.dstack([PIXELS, alpha])), "s", "n")
    assert (found[0, 0] == BACKGROUND).all()
    np.testing.assert_allclose(found[0, 1], BACKGROUND + (PIXELS[0, 1] - float(BACKGROUND)) * 64 / 255, atol=1)
    np.testing.assert_array_equal(found[1:], PIXELS[1:])


def test_grey_with_alpha_and_a_transparent_palette_too():
    grey = Image.fromarray(np.dstack([PIXELS[..., 0], np.zeros((8, 6), np.uint8)]), "LA")
    assert (decode_image(encoded(grey), "s", "n") == BACKGROUND).all()
    palette = Image.fromarray(np.zeros((4, 4), np.uint8), "P")
    palette.putpalette([255, 0, 0])
    assert (decode_image(encoded(palette), "s", "n") == (255, 0, 0)).all()
    assert (decode_image(encoded(palette, transparency=0), "s", "n") == BACKGROUND).all()


def test_greyscale_becomes_three_equal_channels():
    found = decode_image(encoded(PIXELS[..., 0]), "s", "n")
    np.testing.assert_array_equal(found, np.repeat(PIXELS[..., :1], 3, axis=2))


def test_sixteen_bits_of_grey_are_scaled_not_clipped():
    deep = np.linspace(0, 65535, 64).astype(np.uint16).reshape(8, 8)
    found = decode_image(encoded(deep), "s", "n")
    np.testing.assert_allclose(found[..., 1], deep / 257, atol=0.51)


@pytest.mark.filterwarnings("ignore::UserWarning")
@settings(deadline=None)
@given(st.sampled_from(["PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM"]), st.data())
def test_damage_is_an_input_error_or_an_image(kind, data):
    whole = bytearray(encoded(PIXELS, kind))
    for _ in range(data.draw(st.integers(0, 3))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    damaged = bytes(whole[: data.draw(st.integers(0, len(whole)))])
    try:
        assert decode_image(damaged, "s", "n").shape[2] == 3
    except InputError as error:
        assert "n: not a readable image" in str(error) or "pixels; bring it to a smaller size" in str(error)


@pytest.mark.parametrize("data", [b"", b"no image", encoded(PIXELS)[:60]])
def test_a_file_that_is_not_an_image_is_named(tmp_path, data, capsys):
    source = make_zip(tmp_path / "images.zip", numbered(2) | {"image3.png": data})
    with pytest.raises(InputError, match=r"images\.zip: image3\.png: not a readable image; remove it"):
        read_all(source)


@pytest.mark.parametrize(
    "name", ["/etc/evil.png", "../evil.png", "a/../../evil.png", "..\\evil.png", "C:\\evil.png", "\\evil.png"]
)
def test_names_that_lead_outside_are_refused(tmp_path, name):
    (tmp_path / "inside").mkdir()
    source = make_zip(tmp_path / "inside" / "images.zip", numbered(1) | {name: b"x"})
    with pytest.raises(InputError, match="leads outside the archive"):
        open_images(source)
    assert [file.name for _, _, files in os.walk(tmp_path) for file in map(type(source), files)] == ["images.zip"]


@pytest.mark.parametrize("kept", [0, 10, 0.5, 0.95])
def test_a_truncated_zip_is_refused(tmp_path, kept):
    source = make_zip(tmp_path / "images.zip", numbered(3))
    data = source.read_bytes()
    source.write_bytes(data[: int(kept * len(data)) if kept < 1 else kept])
    with pytest.raises(InputError, match="not a complete zip file"):
        open_images(source)


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
@pytest.mark.parametrize("where", [20, 40])
def test_a_damaged_member_is_refused(tmp_path, compression, where, capsys):
    source = make_zip(tmp_path / "images.zip", {"image1.bmp": encoded(PIXELS, "BMP")}, compression)
    data = bytearray(source.read_bytes())
    data[30 + len("image1.bmp") + where] ^= 0xFF  # behind the local header of 30 bytes and the name
    source.write_bytes(data)
    with pytest.raises(InputError, match=r"image1\.bmp: (damaged or encrypted|not a readable)"):
        read_all(source)


def test_an_encrypted_member_is_refused(tmp_path, capsys):
    source = make_zip(tmp_path / "images.zip", numbered(1))
    data = bytearray(source.read_bytes())
    data[6] |= 1  # the flag, in the local header and in the directory
    data[data.index(b"PK\x01\x02") + 8] |= 1
    source.write_bytes(data)
    with pytest.raises(InputError, match="encrypted"):
        read_all(source)


def test_different_sizes_are_refused(tmp_path, capsys):
    source = make_zip(tmp_path / "images.zip", numbered(1) | {"image2.png": encoded(PIXELS[:5])})
    with pytest.raises(
        InputError, match=r"image2\.png: images of 6 x 8 and 6 x 5 pixels; set image_size, or bring all"
    ):
        read_all(source)


def test_missing_images_are_named(tmp_path, capsys):
    (tmp_path / "image1.png").write_bytes(encoded(PIXELS))
    archive = make_zip(tmp_path / "images.zip", numbered(1))
    for source in (tmp_path, archive):
        _, read = open_images(source)
        with pytest.raises(InputError, match=r"image9\.png: image missing; add it"):
            read_images(source, ["image1.png", "image9.png"], read)
        with pytest.raises(InputError, match="none named"):
            read_images(source, [], read)


def test_sources_without_images_are_refused(tmp_path):
    with pytest.raises(InputError, match="no such file or folder"):
        open_images(tmp_path / "absent")
    with pytest.raises(InputError, match="holds no file"):
        open_images(tmp_path)
    with pytest.raises(InputError, match="holds no file"):
        open_images(make_zip(tmp_path / "a.zip", {"__MACOSX/a.png": b"", ".hidden": b""}))


def test_what_is_written_is_read(tmp_path):
    images = np.stack([PIXELS, PIXELS[::-1]])
    write_images(tmp_path / "d.h5", images, ["b.png", "a.png"], {"category_name": ["Animals", "Früchte"]})
    np.testing.assert_array_equal(read_stimulus_ids(tmp_path / "d.h5"), ["b.png", "a.png"])
    with h5py.File(tmp_path / "d.h5") as file:
        np.testing.assert_array_equal(file["images"][:], images)
        assert list(file["category_name"].asstr()[:]) == ["Animals", "Früchte"]
    with pytest.raises(ValueError, match="2 images and 1 ids"):
        write_images(tmp_path / "e.h5", images, ["a.png"])
    assert [file.name for file in tmp_path.iterdir()] == ["d.h5"]


def test_numbers_of_images_and_responses_must_agree():
    check_pairing(3, 3, "rates.npy")
    with pytest.raises(InputError, match=r"rates\.npy: stimuli: 4 in the responses, 3 images"):
        check_pairing(3, 4, "rates.npy")


def test_images_of_any_size_are_fitted_into_a_square(tmp_path, capsys):
    source = make_zip(tmp_path / "images.zip", numbered(1) | {"image2.png": encoded(PIXELS[:2])})
    names, read = open_images(source)
    tall, wide = read_images(source, names, read, side=24)
    np.testing.assert_array_equal(tall[:, [0, -1]], 128)  # grey at both sides
    np.testing.assert_array_equal(wide[[0, -1]], 128)  # above and below
    assert (tall[:, 3:-3] != 128).any() and (wide[10:14] != 128).any()


def test_stimuli_are_found_by_their_stems(capsys):
    found, missing = find_stimuli(["Stimuli/b.jpg", "Stimuli/a.png"], ["a", "b", "c"], "Stimuli")
    assert (found, missing) == ({"a": "Stimuli/a.png", "b": "Stimuli/b.jpg"}, ["c"])
    assert "no image of 1 stimuli, left out: c" in capsys.readouterr().err
    with pytest.raises(InputError, match="Stimuli: images: none of the 1 stimuli shown is here"):
        find_stimuli(["a.png"], ["d"], "Stimuli")


def test_an_archive_declares_no_file_larger_than_an_image(tmp_path, monkeypatch):
    monkeypatch.setattr("ventral.data.images.LARGEST", 1000)
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.png", bytes(1001))
    with pytest.raises(InputError, match=r"a.png: more than 0 MiB unpacked; "):
        open_images(tmp_path / "bomb.zip")


def test_a_picture_larger_than_memory_is_refused_by_its_header():
    with pytest.raises(InputError, match="n: 9000 x 9000 pixels; bring it to a smaller size"):
        decode_image(encoded(Image.new("1", (9000, 9000)), "PNG"), "s", "n")


def test_no_format_is_read_that_needs_another_program():
    page = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\nshowpage\n%%EOF\n"
    with pytest.raises(InputError, match="n: not a readable image"):
        decode_image(page, "s", "n")


def test_names_that_cannot_be_printed_are_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("\x1b[2Ja.png", b"")
    with pytest.raises(InputError, match=r"a.zip: \\x1b\[2Ja.png: name with characters that cannot be printed; "):
        open_images(tmp_path / "a.zip")
