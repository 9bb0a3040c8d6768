"""Importing torchvision next to a torch that it was not compiled for.

A CPU build of torch from a local wheel and torchvision from a package index do not share their compiled operators:
`import torchvision` then stops at `operator torchvision::nms does not exist`. No network here detects boxes, so naming
the two operators that the import registers fakes for is enough.
"""

import torch

_BOXES = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
_library: torch.library.Library | None = None  # the names vanish with this object


def name_missing_operators() -> None:
    """Define torchvision's `nms` and `qnms` by name, only where its import fails without them."""
    global _library
    try:
        import torchvision  # noqa: F401
    except RuntimeError as error:
        if "torchvision::nms" not in str(error):
            raise
        _library = torch.library.Library("torchvision", "DEF")  # type: ignore[no-untyped-call]
        for operator in ("nms", "qnms"):
            _library.define(operator + _BOXES)  # type: ignore[no-untyped-call]
