"""Every network by its name: ours, torchvision's, timm's or the user's own; its weights and image preparation."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, cast

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from ventral.files.errors import InputError, listed, nearest
from ventral.networks.conversions import read_wheel
from ventral.networks.layers import auto_layers, expand_layers, running
from ventral.networks.operators import name_missing_operators
from ventral.networks.own import ARCHITECTURES, RGB, Architecture, find_state, trained_hmo, users_network
from ventral.networks.published import STUDY, origin, weights_fault
from ventral.networks.weights import fingerprint, load_state, seeded
from ventral.networks.wheels import WHEELS

NATIVE = 224  # side of the images for a network that takes any size
IN_PLACE = "random in place of pretrained"
ON_FACES = "trained on faces"


@dataclass(frozen=True)
class Network:
    """A network ready to run.

    Attributes:
        name: the user's name for it.
        model: in evaluation mode, its weights loaded.
        layers: full names of the layers to record, early to late; a module with several records has one name here.
        image_size: side in pixels that images are resized to, None for images as they are.
        mean: subtracted from each colour channel of images from 0 to 1.
        std: by which each channel is then divided.
        interpolation: how images are resized, "bilinear" or "bicubic".
        weights: what tables call them: none, random, pretrained, pretrained with the package that has them, the
            publisher's name, file, as built (by a user's function whose weights do not depend on the seed), random in
            place of pretrained, trained on faces.
        weights_sha256: over names and values of all parameters and buffers.
        anew: builds a network of a user's own code again, from another seed; None for other networks.
        layout: of prepared images in memory; None leaves it as it comes.
    """

    name: str
    model: nn.Module
    layers: tuple[str, ...]
    image_size: int | None
    mean: RGB
    std: RGB
    interpolation: str = "bilinear"
    weights: str = "random"
    weights_sha256: str = ""
    anew: Callable[[], nn.Module] | None = None
    layout: torch.memory_format | None = None


def build_network(name: str, settings: Mapping[str, Any], *, weights_file: str | None, seed: int) -> Network:
    """Make a network from its entry in the config.

    Args:
        name: the user's name for it.
        settings: `architecture`, `weights` and `layers`; where given, `image_size`, `mean` and `std`.
        weights_file: path of a state dict: the user's, a downloaded one, or one that the study trained. None for random
            weights and those in an installed package; in place of published weights, None gives random ones, and tables
            say so.
        seed: of random weights.

    Raises:
        InputError: if the architecture, a layer or the name of weights is unknown, a file does not fit, or a user's
            function does not return a network.
    """
    field = f"networks.{name}"
    weights, layers = settings["weights"], settings["layers"]
    if settings["architecture"] in STUDY:
        plan = trained_hmo(find_state(weights_file, f"{field}.architecture"))
    else:
        plan = find_architecture(settings, field)
    size = settings.get("image_size") or plan.image_size
    remade = partial(make_model, plan, size or NATIVE, f"{field}.architecture")
    model = remade(seed)
    file, said = _choose_weights(name, settings, plan, weights_file)
    if file is not None and origin(settings["architecture"], weights) == "wheel":
        load_state(model, file, partial(read_wheel, settings["architecture"], model))
    elif file is not None:
        load_state(model, file)
    elif not model.state_dict():
        said = "none"
    elif ":" in settings["architecture"] and weights == "random":
        said = "as built" if fingerprint(remade(seed + 1)) == fingerprint(model) else "random"
    if layers == "auto":
        chosen = plan.layers or auto_layers(model, size or NATIVE, f"{field}.architecture")
    else:
        chosen = expand_layers(layers, model, f"{field}.layers")
    mean, std = (cast(RGB, tuple(settings.get(key, getattr(plan, key)))) for key in ("mean", "std"))
    anew = partial(remade, seed + 1) if ":" in settings["architecture"] else None
    return Network(name, model, chosen, size, mean, std, plan.interpolation, said, fingerprint(model), anew)


def make_model(plan: Architecture, image_size: int, field: str, seed: int) -> nn.Module:
    """The network of an architecture, in evaluation mode, with weights drawn from a seed.

    Lazy modules get their shapes from a grey image. A network in another precision is converted to float32, the
    precision of its images. A scripted network, whose layers cannot be recorded, is wrapped as a single layer.

    Args:
        plan: the architecture.
        image_size: side of the images in pixels.
        field: what an error names.
        seed: of random weights.

    Raises:
        InputError: if a lazy network does not run on an image.
    """
    with seeded(seed):
        model = plan.build().eval()
        if any(is_lazy(value) for value in (*model.parameters(), *model.buffers())):
            images = torch.full((2, 3, image_size, image_size), 0.5)
            with torch.no_grad(), running(field, images):
                model(images)
    if isinstance(model, torch.jit.ScriptModule):
        model = Scripted(model)
    precisions = {value.dtype for value in model.parameters() if value.is_floating_point()}
    return model.float() if precisions and torch.float32 not in precisions else model


class Scripted(nn.Module):
    """Wraps a scripted network, because hooks cannot record the layers of a scripted module."""

    def __init__(self, scripted: nn.Module) -> None:
        super().__init__()
        self.scripted = scripted

    def forward(self, images):  # type: ignore[no-untyped-def]
        """(b, 3, H, W) images -> the output of the scripted network."""
        return self.scripted(images)


def find_architecture(settings: Mapping[str, Any], field: str) -> Architecture:
    """The architecture of an entry in the config: the user's own, one of this package, torchvision's or timm's.

    Raises:
        InputError: if there is none of that name, with the closest name that there is.
    """
    architecture, weights = settings["architecture"], settings["weights"]
    place = f"{field}.architecture"
    if ":" in architecture:
        return users_network(architecture, place, settings.get("python_path"))
    if architecture in ARCHITECTURES:
        return ARCHITECTURES[architecture]
    library, _, name = architecture.rpartition("/")
    if library not in ("", "torchvision", "timm"):
        remedy = "give torchvision/NAME, timm/NAME, or path/to/file.py:function"
        raise InputError("config", place, f"no {architecture!r}", remedy)
    name_missing_operators()
    known: list[str] = []
    if library != "timm":
        from torchvision import models

        known = models.list_models(module=models)
        if name in known:
            plan = _torchvision(name, weights, settings.get("image_size"), field)
            if architecture in WHEELS and weights in ("pretrained", "random"):  # random networks see the same images
                plan = replace(plan, mean=WHEELS[architecture].mean, std=WHEELS[architecture].std)
            return plan
    if library != "torchvision":
        import timm

        if timm.is_model(name.partition(".")[0]):
            return _timm(name, weights, settings.get("image_size"), field)
        known = known + timm.list_models()
    known = [*ARCHITECTURES, *known] if not library else known
    raise InputError("config", place, f"no {architecture!r}", nearest(name, known))


def _choose_weights(
    name: str, settings: Mapping[str, Any], plan: Architecture, weights_file: str | None
) -> tuple[Path | None, str]:
    """The file of weights to load, or None, and what tables call the weights."""
    architecture, weights, field = settings["architecture"], settings["weights"], f"networks.{name}"
    fault, _, remedy = weights_fault(architecture, weights).partition("; ")
    if fault:
        raise InputError("config", f"{field}.weights", fault, remedy)
    where = origin(architecture, weights)
    if where in ("none", "random"):
        return None, where
    if where == "study":
        return find_state(weights_file, f"{field}.weights"), ON_FACES
    if where == "package" and plan.carried is not None:
        return Path(plan.carried()), weights
    said = weights if where == "publisher" else "file"
    if where == "wheel":
        said = f"{weights} ({WHEELS[architecture].name})"
    if weights_file is not None:
        return Path(weights_file), said
    return (Path(weights), said) if where == "file" else (None, IN_PLACE)


def _torchvision(name: str, weights: str, size: int | None, field: str) -> Architecture:
    """A network of torchvision. Images are prepared as by the weights' own transforms, but not cropped."""
    from torchvision import models

    known = models.get_model_weights(name).__members__
    if origin(name, weights) != "publisher" or weights == "pretrained":
        chosen = known.get("IMAGENET1K_V1") or known["DEFAULT"]
    elif weights in known:
        chosen = known[weights]
    else:
        said = f"{name} of torchvision has no weights {weights!r}"
        raise InputError("config", f"{field}.weights", said, f"known are: {listed(known)}")
    images = chosen.transforms()
    side = size or images.crop_size[0]
    options: dict[str, Any] = {}
    if name.startswith("vit_"):
        options["image_size"] = side
    elif name.startswith("maxvit_"):
        options["input_size"] = (side, side)
    elif name in ("googlenet", "inception_v3"):  # trained on images with another normalisation
        options |= {"transform_input": True, "init_weights": True}

    def build() -> nn.Module:
        try:
            return cast(nn.Module, models.get_model(name, weights=None, **options))
        except (ValueError, AssertionError) as error:  # the side is not a multiple of patches or windows
            raise InputError("config", f"{field}.image_size", f"{name}: {error}", "give another") from None

    mean, std = tuple(images.mean), tuple(images.std)
    interpolation = images.interpolation.value
    return Architecture(build, None, images.crop_size[0], mean, std, interpolation)


def _timm(name: str, weights: str, size: int | None, field: str) -> Architecture:
    """A network of timm. Images are prepared as the weights' configuration says, but not cropped."""
    import timm
    from timm.models import PretrainedCfg, get_arch_pretrained_cfgs, get_pretrained_cfg

    plain = name.partition(".")[0]
    named = origin(name, weights) == "publisher" and weights != "pretrained"
    full = f"{plain}.{weights}" if named else name
    tags = [known.partition(".")[2] for known in get_arch_pretrained_cfgs(plain)]
    if "." in full and full.partition(".")[2] not in tags:
        said = f"{plain} of timm has no weights {full.partition('.')[2]!r}"
        key = "weights" if named else "architecture"
        raise InputError("config", f"{field}.{key}", said, f"known are: {listed(tags)}")
    images = get_pretrained_cfg(full) or PretrainedCfg()
    native = images.input_size[-1]
    # Only networks whose shape depends on the size of images need to know it.
    options: dict[str, Any] = {}
    if images.fixed_input_size and size not in (None, native):
        options["img_size"] = size

    def build() -> nn.Module:
        try:
            return timm.create_model(full, **options)
        except (TypeError, AssertionError, ValueError) as error:
            if not options:
                raise
            said = f"{name} takes no images of {size} pixels: {error}"
            raise InputError("config", f"{field}.image_size", said, f"leave it out for {native}") from None

    interpolation = images.interpolation if images.interpolation in ("bilinear", "bicubic") else "bicubic"
    mean, std = cast(RGB, tuple(images.mean)), cast(RGB, tuple(images.std))
    return Architecture(build, None, native, mean, std, interpolation)
