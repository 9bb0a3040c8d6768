"""Readers to fuzz: weights, kept encoders and configs."""

import hashlib
import io
import json
import random
import tempfile
from collections import OrderedDict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
import yaml
from safetensors.torch import save
from torch import nn

from tests.fuzz.files_targets import picture
from tests.fuzz.target import Target
from ventral.__main__ import network_settings
from ventral.data.pixels import fitting
from ventral.encoders.keep.linear import NETWORK, READOUT, keep_linear
from ventral.encoders.keep.primal import Primal
from ventral.encoders.keep.reading import predict_images
from ventral.encoders.keep.trained import keep_trained
from ventral.encoders.keep.writing import CARD, digest_of
from ventral.encoders.trained import build_trained, make_recipe
from ventral.files.errors import InputError
from ventral.networks.published import address_of
from ventral.networks.state_files import read_states
from ventral.networks.weights import load_state
from ventral.networks.zoo import build_network
from ventral.study.faults import check_config

SIDE = 8
HOME = Path(__file__).parents[2]
GIVEN = {"neuroid_id": list("abc"), "units": "Hz", "fitting": fitting(SIDE)}


def net() -> nn.Module:
    return nn.Sequential(OrderedDict(conv=nn.Conv2d(3, 4, 3), norm=nn.BatchNorm2d(4), flat=nn.Flatten()))


# Weights


def saved(content: Any, **options: Any) -> bytes:
    buffer = io.BytesIO()
    torch.save(content, buffer, **options)
    return buffer.getvalue()


def make_pth(_folder: Path) -> list[bytes]:
    state = net().state_dict()
    return [saved(state), saved({"state_dict": state}), saved(state, _use_new_zipfile_serialization=False)]


def read_weights(path: Path) -> None:
    for state in read_states(path).values():
        assert all(isinstance(name, str) and isinstance(value, torch.Tensor) for name, value in state.items())
    model = net()
    load_state(model, path)
    assert {name: value.shape for name, value in model.state_dict().items()} == {
        name: value.shape for name, value in net().state_dict().items()
    }


class Call:
    """Unpickled, it would write a file."""

    def __reduce__(self) -> tuple:
        return Path("called").write_text, ("by a pickle",)


def forge_pth(_sound: list[bytes], _rng: random.Random) -> Iterator[bytes]:
    state = net().state_dict()
    first = next(iter(state))
    for content in (
        None,
        1,
        [],
        {},
        "x",
        [state],
        {"model": 1},
        {"state_dict": {"model": state}},
        Call(),
        {"a": Call()},
    ):
        for zipped in (True, False):
            yield saved(content, _use_new_zipfile_serialization=zipped)
    tensor = torch.zeros(1)
    odd = (
        tensor.expand(1 << 40),
        torch.zeros(0),
        tensor.to_sparse(),
        torch.zeros(4, 3, 3, 3, dtype=torch.complex64),
        torch.zeros(4, 3, 3, 3, dtype=torch.int64),
        torch.full((4, 3, 3, 3), float("nan")),
        torch.zeros(4, 3, 3, 3, device="meta"),
        torch.quantize_per_tensor(torch.zeros(4, 3, 3, 3), 0.1, 0, torch.qint8),
        nn.Parameter(torch.zeros(4, 3, 3, 3)),
        tensor.expand(4, 3, 3, 3),
    )
    for value in odd:
        yield saved(state | {first: value})
        yield saved(state | {"left": value})
    for name in (1, "module." * 2000, "\udc80", "\x1b[2J", None, ("a",)):
        yield saved(OrderedDict(state) | {name: tensor})
    bad_versions = OrderedDict(state)
    for versions in (1, {"": 1}, {1: {"version": "x"}}, {"norm": {"version": "x"}}, {"norm": None}):
        bad_versions._metadata = versions
        yield saved(bad_versions)


def forge_safetensors(sound: list[bytes], _rng: random.Random) -> Iterator[bytes]:
    data = sound[0]
    length = int.from_bytes(data[:8], "little")
    header, body = json.loads(data[8 : 8 + length]), data[8 + length :]
    name = next(key for key in header if key != "__metadata__")
    for key, values in (
        ("dtype", ("F64", "I64", "BOOL", "F8_E4M3", "F4", "x", None, 1)),
        ("shape", ([], [-1], [0], [2**40, 2**40], [2**64], ["a"], None, [1] * 2000, [4.0, 3, 3, 3])),
        ("data_offsets", ([0, 0], [0, 2**63], [-8, 8], [8, 0], [0], None, [0, 10**6], "x")),
    ):
        for value in values:
            changed = json.dumps(header | {name: header[name] | {key: value}}).encode()
            yield len(changed).to_bytes(8, "little") + changed + body
    for raw in (b"{" * 5000, b"{}", b"[]", b'{"a": ' * 3000, b"null", json.dumps({"a": "x" * 10**6}).encode()):
        yield len(raw).to_bytes(8, "little") + raw + body


# Kept encoders


def keep_a_linear_one(home: Path) -> Path:
    settings = {"architecture": "cornet_z", "weights": "random", "layers": ["V1.output"], "image_size": 16}
    network = build_network("z", settings, weights_file=None, seed=0)
    with torch.inference_mode():
        units = network.model.V1(torch.zeros(1, 3, 16, 16)).flatten(1).shape[1]
    weights = torch.Generator().manual_seed(0)
    primal = Primal(torch.arange(3), torch.randn(units, 3, generator=weights), torch.zeros(3, dtype=torch.float64))
    keep_linear(home / "kept", network, {"V1.output": primal}, settings, GIVEN)
    return home / "kept"


def keep_a_trained_one(home: Path) -> Path:
    entry = {"network": "cnn", "head": "linear", "cnn": {"layers": 2, "channels": [4, 4], "kernel": 3}}
    recipe, _ = make_recipe(entry, None, SIDE, 3)
    keep_trained(home / "kept", [build_trained(recipe, 0)], recipe, GIVEN)
    return home / "kept"


def make_kept(keep: Callable[[Path], Path], name: str) -> Callable[[Path], list[bytes]]:
    def make(home: Path) -> list[bytes]:
        (home / "image.png").write_bytes(picture())
        return [(keep(home) / name).read_bytes()]

    return make


def read_with(name: str) -> Callable[[Path], None]:
    """Predict with the kept encoder, the input in place of one of its files; a card is true to every other one."""

    def read(path: Path) -> None:
        home = path.parent.parent
        with tempfile.TemporaryDirectory(dir=path.parent) as folder:
            for file in (home / "kept").iterdir():
                Path(folder, file.name).write_bytes(file.read_bytes())
            Path(folder, name).write_bytes(path.read_bytes())
            if name != CARD:
                Path(folder, CARD).write_bytes(signed(with_digest(folder, name)))
            names, rates, neuroids = predict_images(folder, home / "image.png")
        assert len(names) == 1 and rates.shape == (1, len(neuroids)) and rates.dtype.kind == "f"

    return read


def with_digest(folder: str, name: str) -> dict[str, Any]:
    card = json.loads(Path(folder, CARD).read_bytes())
    card["files"][name] = hashlib.sha256(Path(folder, name).read_bytes()).hexdigest()
    return card


def signed(card: Any) -> bytes:
    if isinstance(card, dict):
        card = {key: value for key, value in card.items() if key != "sha256"}
        card["sha256"] = digest_of(card)
    return json.dumps(card).encode()


def places(value: Any, at: tuple = ()) -> Iterator[tuple]:
    """Every place in a tree of dicts and lists."""
    yield at
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        yield from places(child, (*at, key))


ODD = (None, -1, 0, 1, 2.5, 10**9, 10**30, float("inf"), float("nan"), "x", "../../x", "", True, [], {}, [[]], [1] * 50)
ABSENT = object()


def forge_cards(sound: list[bytes], rng: random.Random) -> Iterator[bytes]:
    """Cards with a true digest and one entry changed."""
    for place in places(json.loads(sound[0])):
        for value in (ABSENT, *rng.sample(ODD, 4)):
            card = json.loads(sound[0])
            if not place:
                yield signed(value if value is not ABSENT else [])
                continue
            if place[0] == "sha256" or place[0] == "files":
                continue
            within = card
            for key in place[:-1]:
                within = within[key]
            if value is ABSENT:
                del within[place[-1]]
            else:
                within[place[-1]] = value
            yield signed(card)
    whole = json.loads(sound[0])
    digest = next(iter(whole["files"].values()))
    for name in ("../image.png", "/etc/passwd", "", ".", "a\x00b", "x" * 5000, "\udc80"):
        yield signed(whole | {"files": whole["files"] | {name: digest}})
    for files in (None, [], {}, {"x": 1}, [["a", "b"]], "x", {NETWORK: None}):
        yield signed(whole | {"files": files})
    yield b"[" * 100_000
    yield b'{"sha256": ' * 50_000


# Configs


def config() -> bytes:
    return b"""seed: 0
datasets:
  mine: {images: images.zip, responses: rates.npy, layout: [stimulus, neuroid], region: IT}
networks: &networks
  net: {architecture: cornet_z, image_size: 64, copies: 2, mean: [0.5, 0.5, 0.5]}
  other: &other {architecture: resnet18, weights: random, layers: [layer1, 'layer*']}
  third: {<<: *other, seed: 3}
readouts:
  ridge: {alpha: 1, components: 100, networks: [net]}
  loo: {alpha: loo}
trained:
  cnn_2: {network: cnn, datasets: [mine], dropout: 0.5, learning_rate: 3.0e-4}
"""


def read_config(path: Path) -> None:
    settings = network_settings("net", path)
    assert isinstance(settings["architecture"], str) and isinstance(settings["weights"], str)


def forge_configs(sound: list[bytes], rng: random.Random) -> Iterator[bytes]:
    def laughs(first: bytes, n: int) -> bytes:
        names = [f"a{i}".encode() for i in range(n)]
        lines = [b"a0: &a0 " + first]
        pairs = zip(names[1:], names, strict=False)
        lines += [b"%s: &%s [%s]" % (name, name, b", ".join([b"*" + last] * 10)) for name, last in pairs]
        return b"\n".join(lines)

    yield laughs(b"[lol]", 10)
    yield b"networks:\n  net: {architecture: cornet_z, layers: *a9}\n" + laughs(b"[lol]", 10)
    yield laughs(b"[lol]", 10) + b"\nnetworks:\n  net: {architecture: cornet_z, layers: *a9}\n"
    yield laughs(b"{a: b}", 40) + b"\nnetworks: *a39\n"
    yield b"networks: &a {net: *a}"
    yield b"&a [*a]"
    yield b"&a {datasets: *a, networks: *a}"
    for depth in (100, 3000, 100_000):
        yield b"seed: " + b"[" * depth + b"]" * depth
        yield b"networks: " + b"{a: " * depth + b"}" * depth
    for value in (
        b"2001-99-99",
        b"9" * 5000,
        b"!!binary x",
        b"!!timestamp x",
        b"!!set {a}",
        b"0x",
        b"1:99:99",
        b"0b" * 9,
    ):
        yield b"seed: " + value
    yield from (b"", b"1", b"[]", b"null", b"--- a\n--- b", b"\xff\xfea\x00", b"seed: 1\nseed: 2", b"? {a: b}\n: c")
    for tag in (b"!!python/object/apply:os.getcwd []", b"!!python/name:os.system", b"!x y"):
        yield b"seed: " + tag
    whole = yaml.safe_load(sound[0])
    for place in places(whole):
        for value in rng.sample(ODD, 2):
            changed = yaml.safe_load(sound[0])
            if not place:
                continue
            within = changed
            for key in place[:-1]:
                within = within[key]
            within[place[-1]] = value
            yield yaml.safe_dump(changed).encode()


def read_whole_config(path: Path) -> None:
    """As the workflow does, of a config that YAML takes."""
    try:
        found = yaml.safe_load(path.read_bytes())
    except Exception:  # the workflow's engine reads it, and says so itself
        found = {}
    faults = check_config(found)
    assert all(isinstance(fault, str) and len(fault) < 5000 for fault in faults) and len(faults) < 500
    if faults:
        raise InputError(path, "config", faults[0], "correct it")


# What the hub says of a file

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0a" * 32 + b"\nsize 1234\n"


def read_pointer(path: Path) -> None:
    text = path.read_bytes().decode(errors="replace")
    found = address_of("timm/resnet18", "pretrained", None, lambda _: text)
    assert found.digest and len(found.digest) == 71 and (found.size is None or found.size >= 0)


TARGETS = [
    Target("pth", ".pth", 160, make_pth, read_weights, forge_pth),
    Target("safetensors", ".safetensors", 100, lambda _: [save(net().state_dict())], read_weights, forge_safetensors),
    Target("linear_card", ".json", 60, make_kept(keep_a_linear_one, CARD), read_with(CARD), forge_cards),
    Target("trained_card", ".json", 60, make_kept(keep_a_trained_one, CARD), read_with(CARD), forge_cards),
    Target(
        "linear_readout",
        ".safetensors",
        60,
        make_kept(keep_a_linear_one, READOUT),
        read_with(READOUT),
        forge_safetensors,
    ),
    Target("config", ".yaml", 160, lambda _: [config()], read_config, forge_configs),
    Target("config_checked", ".yaml", 40, lambda _: [config()], read_whole_config, forge_configs),
    Target("hub_pointer", ".txt", 40, lambda _: [POINTER], read_pointer),
]
