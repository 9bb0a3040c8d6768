"""Weights from a seed, or from a file that is not trusted."""

import argparse
import datetime
import io
import json
import pickle
import re
import struct
from collections import Counter, OrderedDict
from pathlib import PurePosixPath

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file
from torch import nn

from ventral.files.errors import InputError
from ventral.networks.operators import name_missing_operators
from ventral.networks.state_files import not_weights, read_states
from ventral.networks.weights import fingerprint, load_state, seeded

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
@pytest.mark.parametrize("prefix", ["", "module.", "_orig_mod.", "module._orig_mod."])
@pytest.mark.parametrize(
    "wrap", [lambda s: s, lambda s: {"state_dict": s, "epoch": 90, "arch": "small"}, lambda s: {"model": s, "args": {}}]
)
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
    with pytest.raises(InputError) as error:
        load_state(small(), tmp_path / "other.pt")
    assert all(part in str(error.value) for part in ["other.pt: weights: of another architecture", *fragments])
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "content", [[torch.ones(2)], torch.ones(2), {"a": 1}, {"state_dict": {"a": [1.0]}}, {"model": 1}, 3]
)
def test_a_file_without_a_state_dict_is_refused(tmp_path, content):
    torch.save(content, tmp_path / "a.pt")
    with pytest.raises(InputError, match=r"a\.pt: weights: not a state dict.*; save it with torch\.save"):
        read_states(tmp_path / "a.pt")


def test_a_whole_model_is_refused(tmp_path):
    torch.save(small(), tmp_path / "a.pt")
    with pytest.raises(InputError, match="not a readable state dict"):
        read_states(tmp_path / "a.pt")


def under(prefix, state):
    return {prefix + name: value for name, value in state.items()}


BESIDE = {
    "a numpy scalar": np.float64(0.9),
    "an older numpy scalar": np.int32(3),
    "an array": np.arange(3.0),
    "arguments": argparse.Namespace(lr=0.1, path=PurePosixPath("a")),
    "a path": PurePosixPath("a/b"),
    "a date": datetime.date(2020, 1, 1),
    "a counter": Counter("aab"),
    "a whole module": nn.Linear(2, 2),
    "numbers and text": {"epoch": 3, "name": "small", "best": None},
}
HOLDING = {
    "model_state_dict": lambda s: {"epoch": 3, "model_state_dict": s, "optimizer_state_dict": {"state": {}}},
    "lightning": lambda s: {"state_dict": under("model.", s), "hyper_parameters": {"lr": 0.1}},
    "robustness": lambda s: {"model": {**under("module.model.", s), "module.normalizer.new_mean": torch.ones(3)}},
    "robustness, twice the same": lambda s: {"model": under("module.model.", s) | under("module.attacker.model.", s)},
    "dino": lambda s: {"student": under("module.backbone.", changed(s)), "teacher": under("module.backbone.", s)},
    "the network before its average": lambda s: {"state_dict_ema": changed(s), "state_dict": s},
    "the average alone": lambda s: {"ema": under("module.", s), "updates": torch.tensor(9)},
    "deep": lambda s: {"state": {"net": {"encoder": s}}},
    "a teacher's head beside": lambda s: {"teacher": under("backbone.", s) | {"head.weight": torch.ones(2)}},
    "under the name of a thing nobody knows": lambda s: {"f": s, "g": {"0.weight": torch.ones(9)}},
    "numbers beside parameters": lambda s: {**s, "epoch": 3, "arch": "small"},
}


def changed(state):
    return {name: value + 1 for name, value in state.items()}


@pytest.mark.parametrize("holding", HOLDING.values(), ids=HOLDING)
def test_checkpoints_of_any_making_are_loaded(saved, holding):
    model, path = saved
    torch.save(holding(model.state_dict()), path)
    fresh = small()
    load_state(fresh, path)
    assert fingerprint(fresh) == fingerprint(model)


@pytest.mark.parametrize("beside", BESIDE.values(), ids=BESIDE)
def test_what_lies_beside_a_state_is_left_alone(saved, beside):
    model, path = saved
    torch.save({"state_dict": model.state_dict(), "beside": beside}, path)
    fresh = small()
    load_state(fresh, path)
    assert fingerprint(fresh) == fingerprint(model)


@pytest.mark.parametrize("own", ["module.", "_orig_mod.", "backbone.", "model.backbone."])
@pytest.mark.parametrize("file", ["", "module."])
def test_a_prefix_of_the_networks_own_is_kept_or_added(saved, own, file):
    model, path = saved

    def wrapped() -> nn.Module:
        whole = small()
        for part in reversed(own.rstrip(".").split(".")):
            whole = nn.ModuleDict({part: whole})
        return whole

    fresh, exact = wrapped(), wrapped()
    torch.save(under(file, model.state_dict()), path)
    load_state(fresh, path)
    torch.save(fresh.state_dict(), path)
    load_state(exact, path)
    assert fingerprint(exact) == fingerprint(fresh)
    assert [v.sum() for v in fresh.state_dict().values()] == [v.sum() for v in model.state_dict().values()]


def test_what_was_chosen_of_a_file_is_said(saved, capsys):
    model, path = saved
    torch.save(HOLDING["robustness"](model.state_dict()), path)
    load_state(small(), path)
    said = "loaded what is under 'model' after 'module.model.', without module.normalizer.new_mean\n"
    assert capsys.readouterr().err.endswith(said)
    torch.save(model.state_dict(), path)
    load_state(small(), path)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    "content, places",
    [
        (
            lambda s: under("encoder_q.", s) | under("encoder_k.", changed(s)),
            ["after 'encoder_q.'", "after 'encoder_k.'"],
        ),
        (lambda s: {"online": s, "target": changed(s)}, ["under 'online'", "under 'target'"]),
        (lambda s: {"a": under("m.", s), "b": changed(s)}, ["under 'a' after 'm.'", "under 'b'"]),
    ],
)
def test_several_that_fit_and_differ_are_refused(saved, content, places):
    model, path = saved
    torch.save(content(model.state_dict()), path)
    with pytest.raises(
        InputError, match=r"weights: it fits twice, and differs: .*; save the one that is meant"
    ) as error:
        load_state(small(), path)
    assert all(place in str(error.value) for place in places)


def test_a_last_layer_may_be_missing_behind_a_prefix_too(saved, capsys):
    model, path = saved
    state = {k: v for k, v in model.state_dict().items() if not k.startswith("2.")}
    torch.save({"teacher": under("module.backbone.", state)}, path)
    fresh = small()
    load_state(fresh, path)
    assert torch.equal(fresh[0].weight, model[0].weight) and not fresh[2].weight.any()
    assert "without 2.weight, 2.bias: that layer is set to zero" in capsys.readouterr().err


def test_what_does_not_fit_says_three_names_of_each_side(tmp_path):
    torch.save({"net": {f"conv{i}.w": torch.ones(1) for i in range(5)}}, tmp_path / "a.pt")
    with pytest.raises(InputError) as error:
        load_state(small(), tmp_path / "a.pt")
    said = str(error.value)
    assert "of another architecture: misses 0.weight, 0.bias, 1.weight, ... (" in said
    assert ", has the unknown conv0.w, conv1.w, conv2.w, ... (5 in all); " in said


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
        read_states(tmp_path / "evil.pt")
    assert not (tmp_path / "owned").exists()


def test_code_beside_a_state_is_not_run_either(saved, tmp_path):
    model, path = saved
    torch.save({"state_dict": model.state_dict(), "evil": Evil(tmp_path / "owned")}, path)
    fresh = small()
    load_state(fresh, path)
    assert fingerprint(fresh) == fingerprint(model) and not (tmp_path / "owned").exists()


UNREADABLE = "not a readable state dict; save it with"


def as_safetensors(shape: int = 1) -> bytes:
    header = json.dumps({"w": {"dtype": "F32", "shape": [shape], "data_offsets": [0, 4]}}).encode()
    return struct.pack("<Q", len(header)) + header + struct.pack("<f", 1.0)


@pytest.mark.parametrize(
    "data, said",
    [
        *((data, UNREADABLE) for data in (b".", b"0.5,1\n2,3\n", b"hello\n", b"a: 1\n", as_safetensors(2))),
        (b"", "an empty file in place of weights; download"),
        (b"<html></html>", "a web page in place of weights; download"),
        (b"\xef\xbb\xbf\n <!DOCTYPE html><form action='login'>", "a web page in place of weights; download"),
        ("\ufeff<html>".encode("utf-16-le"), "a web page in place of weights; download"),
        (b'<?xml version="1.0"?><Error><Code>ExpiredToken</Code></Error>', "a web page in place of weights; download"),
        (b'{"a": 1}', "a message in JSON in place of weights; download"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:", "a Git LFS pointer in place of weights; download"),
    ],
)
def test_other_files_are_refused_by_what_they_are(tmp_path, data, said):
    (tmp_path / "a.pt").write_bytes(data)
    with pytest.raises(InputError, match=rf"a\.pt: weights: {said}"):
        read_states(tmp_path / "a.pt")
    assert not_weights(tmp_path / "a.pt") or data == as_safetensors(2)


def test_a_missing_file_and_a_folder(tmp_path):
    with pytest.raises(InputError, match="no such file; correct the path"):
        read_states(tmp_path / "absent.pt")
    with pytest.raises(InputError, match="not a readable state dict"):
        read_states(tmp_path)


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
        assert all(isinstance(value, torch.Tensor) for state in read_states(path).values() for value in state.values())
    except InputError as error:
        assert "\n" not in str(error)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_a_truncated_file_is_refused(saved, share):
    _, path = saved
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(InputError, match="not a readable state dict"):
        read_states(path)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_truncated_safetensors_are_refused(tmp_path, share):
    save_file(small().state_dict(), tmp_path / "a.pt")
    data = (tmp_path / "a.pt").read_bytes()
    (tmp_path / "a.pt").write_bytes(data[: int(share * len(data))])
    with pytest.raises(InputError, match="not a readable state dict"):
        read_states(tmp_path / "a.pt")


@pytest.mark.parametrize("name", ["a.safetensors", "a.pth"])
def test_safetensors_are_told_by_content(saved, tmp_path, name):
    model, _ = saved
    save_file(model.state_dict(), tmp_path / name)
    fresh = small()
    load_state(fresh, tmp_path / name)
    assert fingerprint(fresh) == fingerprint(model)


def test_a_missing_last_layer_is_dead(saved, tmp_path, capsys):
    model, path = saved
    torch.save({k: v for k, v in model.state_dict().items() if not k.startswith("2.")}, path)
    fresh = small()
    load_state(fresh, path)
    assert not fresh(torch.randn(4, 2)).any()
    assert torch.equal(fresh[0].weight, model[0].weight)
    assert "without 2.weight, 2.bias: that layer is set to zero" in capsys.readouterr().err


def test_half_precision_is_widened(tmp_path):
    torch.save(
        {k: v.half() if v.is_floating_point() else v for k, v in small().state_dict().items()}, tmp_path / "a.pt"
    )
    model = small()
    load_state(model, tmp_path / "a.pt")
    assert model[0].weight.dtype == torch.float32


def loads_back(model: nn.Module, fresh: nn.Module, state: dict, path) -> bool:
    torch.save(state, path)
    load_state(fresh, path)
    return fingerprint(fresh) == fingerprint(model)


def test_older_names_of_torchvision_are_understood(tmp_path):
    """As in its published DenseNets (dots in names), ViTs (`linear_1`) and MNASNets (a version beside the state)."""
    name_missing_operators()
    from torchvision.models import DenseNet, MNASNet, VisionTransformer

    def dense() -> nn.Module:
        return DenseNet(4, (1, 2), 4, num_classes=3)

    model = dense()
    state = {re.sub(r"(denselayer\d\.(?:norm|conv))([12])", r"\1.\2", k): v for k, v in model.state_dict().items()}
    state = {k: v for k, v in state.items() if "num_batches_tracked" not in k}  # from before they were counted
    assert "features.denseblock1.denselayer1.norm.1.weight" in state
    assert loads_back(model, dense(), state, tmp_path / "dense.pth")

    def transformer() -> nn.Module:
        return VisionTransformer(8, 4, 2, 2, 4, 8, num_classes=3)

    model = transformer()
    old = {"mlp.0.": "mlp.linear_1.", "mlp.3.": "mlp.linear_2."}
    state = {re.sub(r"mlp\.[03]\.", lambda found: old[found[0]], k): v for k, v in model.state_dict().items()}
    assert "encoder.layers.encoder_layer_0.mlp.linear_1.weight" in state
    assert loads_back(model, transformer(), state, tmp_path / "vit.pth")
    assert loads_back(model, transformer(), dict(model.state_dict()), tmp_path / "vit.pth")

    model = MNASNet(0.1, num_classes=3)
    assert loads_back(model, MNASNet(0.1, num_classes=3), model.state_dict(), tmp_path / "mnasnet.pth")
    assert loads_back(model, MNASNet(0.1, num_classes=3), dict(model.state_dict()), tmp_path / "mnasnet.pth")
    parallel = OrderedDict((f"module.{k}", v) for k, v in model.state_dict().items())
    parallel._metadata = {"": {"version": 1}} | {
        f"module.{k}".rstrip("."): v for k, v in model.state_dict()._metadata.items()
    }
    assert loads_back(model, MNASNet(0.1, num_classes=3), parallel, tmp_path / "mnasnet.pth")


TIMM = {
    "vit_base_patch16_224": {"depth": 1, "embed_dim": 16, "num_heads": 2},
    "vit_base_patch14_dinov2": {"depth": 1, "embed_dim": 16, "num_heads": 2, "img_size": 56},
    "vit_base_patch16_clip_224": {"depth": 1, "embed_dim": 16, "num_heads": 2},
    "resnet50": {"layers": (1, 1, 1, 1)},
    "swin_tiny_patch4_window7_224": {"depths": (1, 1, 1, 1), "embed_dim": 24},
    "convnext_base": {"depths": (1, 1, 1, 1), "dims": (8, 16, 32, 64)},
}


@pytest.mark.parametrize("name", TIMM)
def test_networks_of_timm_load_back_exactly(name, tmp_path):
    name_missing_operators()
    import timm

    model, fresh = (timm.create_model(name, **TIMM[name]) for _ in range(2))
    save_file({k: v.contiguous() for k, v in model.state_dict().items()}, tmp_path / "model.safetensors")
    load_state(fresh, tmp_path / "model.safetensors")
    assert fingerprint(fresh) == fingerprint(model)


def test_position_embeddings_follow_the_image_size_as_in_timm(tmp_path):
    name_missing_operators()
    import timm

    shape = {"depth": 1, "embed_dim": 16, "num_heads": 2}
    model = timm.create_model("vit_base_patch14_dinov2", img_size=56, **shape)
    torch.save(model.state_dict(), tmp_path / "a.pth")
    fresh = timm.create_model("vit_base_patch14_dinov2", img_size=28, **shape)
    load_state(fresh, tmp_path / "a.pth")
    state = {"state_dict": model.state_dict()}
    theirs = timm.create_model(
        "vit_base_patch14_dinov2", img_size=28, pretrained=True, pretrained_cfg_overlay=state, **shape
    )
    assert fingerprint(fresh) == fingerprint(theirs)
    other = timm.create_model("vit_base_patch14_dinov2", img_size=28, depth=2, embed_dim=16, num_heads=2)
    with pytest.raises(InputError, match=r"misses blocks\.1"):
        load_state(other, tmp_path / "a.pth")


def test_timms_class_of_backgrounds_is_left_out(tmp_path):
    model = small()
    state = model.state_dict()
    state["2.weight"], state["2.bias"] = (
        torch.cat([value[:1], value]) for value in (state["2.weight"], state["2.bias"])
    )
    torch.save(state, tmp_path / "a.pth")
    fresh = small()
    fresh.pretrained_cfg = {"label_offset": 1, "classifier": "2"}
    load_state(fresh, tmp_path / "a.pth")
    assert fingerprint(fresh) == fingerprint(model)
