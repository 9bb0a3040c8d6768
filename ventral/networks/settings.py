"""The keys of an entry under `networks` in the config."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from ventral.files.keys import Names, Text, key

Channels = tuple[float, float, float]
Spread = Annotated[float, Field(gt=0)]


@dataclass(frozen=True)
class NetworkEntry:
    """A network that is run over the images of every dataset."""

    architecture: Annotated[
        str,
        key(
            "a name that torchvision or timm knows; pixels, labels, hmo, cnn, cornet_z or cornet_s; or your own "
            "function, as package.module:function or file.py:function",
            "name an architecture",
            "resnet50",
        ),
    ]
    weights: Annotated[
        str,
        key(
            "random: drawn from the seed; pretrained: the publisher's; the publisher's name of other weights; the path "
            "or https address of a state dict; faces: the study trains the network to detect faces, as it does hmo",
            "give random, pretrained, faces, a publisher's name, a path or an address",
            "pretrained",
            min_length=1,
        ),
    ] = "random"
    layers: Annotated[
        Literal["auto"] | Names,
        key(
            "layers that are recorded, by name or pattern, in which * stops at a dot; auto: 15 at most, at even steps "
            "through the network",
            "give auto, or a list of layer names or patterns",
            ["layer*", "avgpool"],
        ),
    ] = "auto"
    image_size: Annotated[
        int | None,
        key(
            "side in pixels to which images are resized; absent: the size that the weights need, or that of the images",
            example=224,
            ge=8,
        ),
    ] = None
    mean: Annotated[
        Channels | None,
        key("mean of each colour channel, which is subtracted; absent: the architecture's", example=[0.5, 0.5, 0.5]),
    ] = None
    std: Annotated[
        tuple[Spread, Spread, Spread] | None,
        key("SD of each colour channel, the divisor; absent: the architecture's", example=[0.2, 0.2, 0.2]),
    ] = None
    seed: Annotated[int | None, key("seed of random weights; absent: the study's", example=1, ge=0)] = None
    copies: Annotated[
        int | None,
        key("number of further copies with random weights, NAME_seed1, NAME_seed2 and so on", example=3, ge=1, le=100),
    ] = None
    keep: Annotated[
        Names | None,
        key("layers, by name or pattern, whose activations are kept with their Gram matrices", example=["layer4"]),
    ] = None
    with_category: Annotated[
        Literal["object_name", "category_name"] | None,
        key("label of the stimuli that is joined, one-hot, to the features of every layer"),
    ] = None
    category_scale: Annotated[
        Literal["equal", "as_is"] | None,
        key(
            "how the joined label is scaled: equal (it varies as much as the whole layer) or as_is (zeros and ones); "
            "absent: equal"
        ),
    ] = None
    precision: Annotated[
        Literal["float32", "tf32", "bfloat16"],
        key(
            "number format of the forward pass; tf32 (on a GPU alone) and bfloat16: faster on some GPUs, less accurate"
        ),
    ] = "float32"
    channels_last: Annotated[
        bool | None,
        key(
            "whether images are laid out channels last, faster on most CPUs and some GPUs; absent: on a CPU, where the "
            "network runs so"
        ),
    ] = None
    python_path: Annotated[
        Text | None,
        key("folder that holds the package of your own function", "give the folder that holds it", "lab/src"),
    ] = None
    sha256: Annotated[
        str | None,
        key(
            "hash of the file of weights at an https address, or its first digits",
            "give the sha256 of the file at the address",
            "5c427c9c",
            pattern="^[0-9A-Fa-f]{8,64}$",
        ),
    ] = None

    def faults(self) -> Iterator[str]:
        """Yield what is wrong between keys."""
        if self.category_scale and not self.with_category:
            yield "category_scale: needs with_category too; add with_category, or leave category_scale out"
