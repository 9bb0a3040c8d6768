"""CORnet-Z and CORnet-S against their papers: parameters, shapes of every area and time step, and the recurrence."""

import pytest
import torch
from torch import Tensor, nn

from ventral.networks.cornet import AreaS, cornet_s, cornet_z
from ventral.networks.weights import load_state, seeded

AREAS = ("V1", "V2", "V4", "IT")
SHAPES = {"V1": (64, 56, 56), "V2": (128, 28, 28), "V4": (256, 14, 14), "IT": (512, 7, 7)}  # of both, at 224


def run(model: nn.Module, images: Tensor) -> dict[str, list[Tensor]]:
    """What every `output` and the decoder's pool give, one item a time step."""
    found: dict[str, list[Tensor]] = {}
    for name, module in model.named_modules():
        if name.endswith("output") or name == "decoder.avgpool":
            module.register_forward_hook(lambda _m, _i, out, name=name: found.setdefault(name, []).append(out.clone()))
    with torch.inference_mode():
        model.eval()(images)
    return found


def count(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


@pytest.fixture(scope="module")
def area() -> AreaS:
    with seeded(0):
        return AreaS(2, 4, times=3).eval()


@pytest.mark.parametrize(
    "make, steps, n_parameters",
    [
        (cornet_z, {"V1": 1, "V2": 1, "V4": 1, "IT": 1}, 2_071_656),
        (cornet_s, {"V1": 1, "V2": 2, "V4": 4, "IT": 2}, 53_416_616),  # 53.4 M, Kubilius et al. 2019
    ],
)
def test_published_numbers(make, steps, n_parameters):
    model = make()
    assert count(model) == n_parameters
    found = run(model, torch.zeros(1, 3, 224, 224))
    assert {name: len(found[f"{name}.output"]) for name in AREAS} == steps
    for name in AREAS:
        assert all(tuple(step.shape[1:]) == SHAPES[name] for step in found[f"{name}.output"])
    assert found["decoder.avgpool"][0].shape == (1, 512, 1, 1)
    assert found["decoder.output"][0].shape == (1, 1000)


def test_parameters_of_the_areas_add_up_as_in_the_tables():
    def recurrent(before: int, width: int, times: int) -> int:
        inner = 4 * width
        shared = before * width + width * width + 2 * width + 2 * width * inner + 9 * inner * inner
        return shared + times * 2 * (inner + inner + width)

    model = cornet_s()
    assert count(model.V1) == 7 * 7 * 3 * 64 + 9 * 64 * 64 + 4 * 64
    assert [count(model.V2), count(model.V4), count(model.IT)] == [
        recurrent(64, 128, 2),
        recurrent(128, 256, 4),
        recurrent(256, 512, 2),
    ]
    assert count(model.decoder) == 512 * 1000 + 1000


def test_state_dicts_have_the_publishers_names():
    names = set(cornet_s().state_dict())
    for name in (
        *("V1.conv1.weight", "V1.norm1.running_mean", "V1.conv2.weight", "V2.conv_input.weight", "V2.skip.weight"),
        *("V2.norm_skip.bias", "V2.norm1_0.weight", "V2.norm3_1.running_var", "V4.norm2_3.weight", "IT.conv3.weight"),
        *("decoder.linear.weight", "decoder.linear.bias"),
    ):
        assert name in names
    assert "V2.norm1_2.weight" not in names
    assert set(cornet_z().state_dict()) == {
        f"{part}.{kind}"
        for part in (*(f"{area}.conv" for area in AREAS), "decoder.linear")
        for kind in ("weight", "bias")
    }


def test_a_file_as_published_loads(tmp_path):
    """Saved by parallel training, wrapped: every name begins with `module.`."""
    with seeded(1):
        saved = cornet_z()
    state = {f"module.{name}": value for name, value in saved.state_dict().items()}
    torch.save({"epoch": 1, "state_dict": state}, tmp_path / "z.pth")
    model = cornet_z()
    load_state(model, tmp_path / "z.pth")
    torch.testing.assert_close(model.state_dict(), saved.state_dict())


def by_hand(area: AreaS, x: Tensor, times: int) -> list[Tensor]:
    """The recurrence written out: the same convolutions at each step, statistics of its own."""
    conv, parts = nn.functional.conv2d, dict(area.named_modules())
    x, steps = conv(x, area.conv_input.weight), []
    for t in range(times):
        skipped = area.norm_skip(conv(x, area.skip.weight, stride=2)) if t == 0 else x
        y = parts[f"norm1_{t}"](conv(x, area.conv1.weight)).relu()
        y = parts[f"norm2_{t}"](conv(y, area.conv2.weight, stride=2 if t == 0 else 1, padding=1)).relu()
        x = (parts[f"norm3_{t}"](conv(y, area.conv3.weight)) + skipped).relu()
        steps.append(x)
    return steps


def test_the_recurrence_is_as_written_out(area):
    with seeded(1):
        images = torch.randn(2, 2, 8, 8)
        for norm in (module for module in area.modules() if isinstance(module, nn.BatchNorm2d)):
            norm.running_mean.normal_()
            norm.running_var.uniform_(0.5, 2)
    found = run(area, images)["output"]
    with torch.inference_mode():
        expected = by_hand(area, images, times=3)
    assert len(found) == 3
    for step, other in zip(found, expected, strict=True):
        assert step.shape == (2, 4, 4, 4)
        torch.testing.assert_close(step, other)
    assert not torch.allclose(found[0], found[1])
    torch.testing.assert_close(run(area, images)["output"][-1], expected[-1])  # a second call begins anew


def test_more_time_steps_add_normalisation_only(area):
    unrolled = 3 * count(AreaS(2, 4, times=1))
    assert count(area) < unrolled
    of_a_step = 2 * (16 + 16 + 4)
    assert [count(AreaS(2, 4, times)) - count(area) for times in (2, 4, 7)] == [-of_a_step, of_a_step, 4 * of_a_step]


def test_random_weights_follow_the_seed():
    states = []
    for seed in (0, 0, 1):
        with seeded(seed):
            states.append(cornet_z().IT.conv.weight)
    assert torch.equal(states[0], states[1]) and not torch.equal(states[0], states[2])
