"""Import torchvision next to a torch that it was not compiled for.

A CPU build of torch from a local wheel and torchvision from a package index do not share their compiled operators:
`import torchvision` then fails with `operator torchvision::nms does not exist`. No network here detects boxes, so it is
enough to declare the two operators that the import asks for.
"""

import torch

_BOXES = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
_library: torch.library.Library | None = None  # the names vanish with this object


def name_missing_operators() -> None:
    """Declare torchvision's operators `nms` and `qnms`, if its import fails without them."""
    global _library
    try:
        import torchvision  # noqa: F401
    except RuntimeError as error:
        if "torchvision::nms" not in str(error):
            raise
        _library = torch.library.Library("torchvision", "DEF")  # type: ignore[no-untyped-call]
        for operator in ("nms", "qnms"):
            _library.define(operator + _BOXES)  # type: ignore[no-untyped-call]
