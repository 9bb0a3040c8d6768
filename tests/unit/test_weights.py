"""Weights from a seed or from a file that is never trusted."""

import io
import json
import pickle
import struct

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from ventral.errors import InputError
from ventral.networks.weights import fingerprint, load_state, read_state, seeded

pytestmark = pytest.mark.filterwarnings("ignore:Detected pickle protocol")


def small(width: int = 3) -> nn.Module:
    return nn.Sequential(nn.Linear(2, width), nn.BatchNorm1d(width), nn.Linear(width, 1))


@pytest.fixture
def saved(tmp_path):
    """A model and the file of its state dict."""
    with seeded(5):
        model = small()
    torch.save(model.state_dict(), tmp_path / "weights.pt")
    return model, tmp_path / "weights.pt"


def test_a_seed_gives_one_model_and_leaves_the_global_state():
    torch.manual_seed(7)
    before = torch.get_rng_state()
    with seeded(1):
        one = small()
    assert torch.equal(torch.get_rng_state(), before)
    torch.rand(3)
    with seeded(1):
        same = small()
    with seeded(2):
        other = small()
    assert fingerprint(one) == fingerprint(same) != fingerprint(other)


def test_the_global_state_is_restored_after_an_error():
    before = torch.get_rng_state()
    with pytest.raises(RuntimeError, match="stop"), seeded(1):
        torch.rand(3)
        raise RuntimeError("stop")
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("prefix", ["", "module."])
@pytest.mark.parametrize("wrap", [lambda s: s, lambda s: {"state_dict": s, "epoch": 90, "arch": "small"}])
def test_state_dicts_as_people_save_them_are_loaded(saved, zipped, prefix, wrap):
    model, path = saved
    state = {prefix + name: value for name, value in model.state_dict().items()}
    torch.save(wrap(state), path, _use_new_zipfile_serialization=zipped)
    fresh = small()
    load_state(fresh, path)
    assert fingerprint(fresh) == fingerprint(model)


def test_the_fingerprint_changes_with_any_weight_or_buffer():
    model = small()
    seen = {fingerprint(model)}
    with torch.no_grad():
        for value in (*model.parameters(), *model.buffers()):
            value.view(-1)[0] += 1
            seen.add(fingerprint(model))
    assert len(seen) == 1 + len(list(model.parameters())) + len(list(model.buffers()))


@pytest.mark.parametrize(
    "other, fragments",
    [
        (nn.Sequential(nn.Linear(2, 3)), ["misses 1.weight, 1.bias, 1.running_mean", "in all)"]),
        (nn.Sequential(*small(), nn.Linear(1, 1)), ["has the unknown 3.weight, 3.bias"]),
        (small(4), ["has another shape for 0.weight, 0.bias, 1.weight", "in all)"]),
    ],
)
def test_another_architecture_is_named(tmp_path, other, fragments):
    torch.save(other.state_dict(), tmp_path / "other.pt")
    model = small()
    before = fingerprint(model)
    with pytest.raises(InputError) as error:
        load_state(model, tmp_path / "other.pt")
    assert all(part in str(error.value) for part in ["other.pt: weights: of another architecture", *fragments])
    assert fingerprint(model) == before


@pytest.mark.parametrize("content", [[torch.ones(2)], torch.ones(2), {"a": 1}, {"state_dict": {"a": [1.0]}}, 3])
def test_what_is_no_state_dict_is_refused(tmp_path, content):
    torch.save(content, tmp_path / "a.pt")
    with pytest.raises(InputError, match=r"a\.pt: weights: not a state dict; save it with torch\.save"):
        read_state(tmp_path / "a.pt")


def test_a_whole_model_is_refused(tmp_path):
    torch.save(small(), tmp_path / "a.pt")
    with pytest.raises(InputError, match="not a readable state dict"):
        read_state(tmp_path / "a.pt")


class Evil:
    """Unpickled, it makes a file: what a stranger's weights must never do."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


@pytest.mark.parametrize("save", [torch.save, lambda content, path: path.write_bytes(pickle.dumps(content))])
def test_code_in_a_file_is_not_run(tmp_path, save):
    save({"0.weight": Evil(tmp_path / "owned")}, tmp_path / "evil.pt")
    with pytest.raises(InputError, match="not a readable state dict"):
        read_state(tmp_path / "evil.pt")
    assert not (tmp_path / "owned").exists()


def as_safetensors() -> bytes:
    header = json.dumps({"w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
    return struct.pack("<Q", len(header)) + header + struct.pack("<f", 1.0)


@pytest.mark.parametrize(
    "data", [b"", b".", b"0.5,1\n2,3\n", b"hello\n", b"<html></html>", b'{"a": 1}', b"a: 1\n", as_safetensors()]
)
def test_other_files_are_refused(tmp_path, data):
    (tmp_path / "a.pt").write_bytes(data)
    with pytest.raises(InputError, match=r"a\.pt: weights: not a readable state dict; save it with"):
        read_state(tmp_path / "a.pt")


def test_a_missing_file_and_a_folder(tmp_path):
    with pytest.raises(InputError, match="no such file; correct the path"):
        read_state(tmp_path / "absent.pt")
    with pytest.raises(InputError, match="not a readable state dict"):
        read_state(tmp_path)


@pytest.mark.parametrize("zipped", [True, False])
@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_a_damaged_file_is_an_input_error_or_a_state(tmp_path_factory, zipped, data):
    buffer = io.BytesIO()
    torch.save(small().state_dict(), buffer, _use_new_zipfile_serialization=zipped)
    whole = bytearray(buffer.getvalue())
    for _ in range(data.draw(st.integers(0, 2))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.mktemp("weights") / "a.pt"
    path.write_bytes(whole[: data.draw(st.integers(0, len(whole)))])
    try:
        assert all(isinstance(value, torch.Tensor) for value in read_state(path).values())
    except InputError as error:
        assert "\n" not in str(error)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_a_truncated_file_is_refused(saved, share):
    _, path = saved
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(InputError, match="not a readable state dict"):
        read_state(path)
