"""Draw random networks of a user's own code: modules as people write them, and state dicts as they save them."""

from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import nn

from tests.property.odds import Odds

HEAD = """import torch
from torch import nn
from torch.nn import functional as F

"""
CONV = "nn.Conv2d(3, 4, 3, stride=2, padding=1)"
# Expressions of modules that take (b, 3, H, W); those that need more are classes below.
PLAIN = {
    "convolutions": f"nn.Sequential({CONV}, nn.ReLU(inplace=True), nn.Conv2d(4, 6, 3, padding=1), nn.Flatten())",
    "batch norm": f"nn.Sequential({CONV}, nn.BatchNorm2d(4), nn.GELU(), nn.AdaptiveAvgPool2d(2))",
    "group norm": f"nn.Sequential({CONV}, nn.GroupNorm(2, 4), nn.SiLU(), nn.MaxPool2d(2))",
    "dropout": f"nn.Sequential({CONV}, nn.Dropout(0.5), nn.Dropout2d(0.5), nn.Flatten(1))",
    "lazy": "nn.Sequential(nn.LazyConv2d(4, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.LazyLinear(5))",
    "half precision": f"nn.Sequential({CONV}, nn.Flatten()).half()",
    "double precision": f"nn.Sequential({CONV}, nn.Flatten()).double()",
    "scripted": f"torch.jit.script(nn.Sequential({CONV}, nn.ReLU()))",
    "traced": f"torch.jit.trace(nn.Sequential({CONV}, nn.ReLU()), torch.rand(2, 3, 16, 16))",
    "in training": f"nn.Sequential({CONV}, nn.BatchNorm2d(4), nn.Dropout(0.5)).train()",
    "wrapped": f"nn.DataParallel(nn.Sequential({CONV}, nn.ReLU()))",
    "weight norm": f"nn.Sequential(nn.utils.parametrizations.weight_norm({CONV}), nn.Tanh())",
    "spectral norm": f"nn.Sequential(nn.utils.parametrizations.spectral_norm({CONV}), nn.Tanh())",
    "no parameters": "nn.Sequential(nn.AvgPool2d(2), nn.Flatten())",
    "one unit": "nn.Sequential(nn.Conv2d(3, 1, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten())",
    "tiny weights": f"nn.Sequential(Scaled({CONV}, 1e-12), nn.Flatten())",
    "huge weights": f"nn.Sequential(Scaled({CONV}, 1e12), nn.Flatten())",
    "large mean": f"nn.Sequential({CONV}, Shifted(1e3), nn.Flatten())",
    "a dead layer": f"nn.Sequential({CONV}, nn.Threshold(1e9, 0.0), nn.Flatten())",
}
# Run, but cannot be kept.
DOUBTFUL = {
    "quantised": "torch.ao.quantization.quantize_dynamic("
    "nn.Sequential(nn.AdaptiveAvgPool2d(3), nn.Flatten(), nn.Linear(27, 5)).eval())"
}
REFUSED = {
    "noise": "Noise()",
    "dropout that stays": "Dropping()",
    "of the batch": "OfBatch()",
    "a seed outside the state": "Outside()",
    "a buffer that is not kept": "Unkept()",
    "one channel": "nn.Conv2d(1, 4, 3)",
    "another size": "nn.Sequential(nn.Flatten(), nn.Linear(7, 3))",
    "not finite": "nn.Sequential(nn.Conv2d(3, 2, 1), Shifted(float('nan')))",
    "no module": "3",
    "an exception": "nn.Conv2d(3, 5, 3, groups=2)",
    "missing import": "__import__('no_such_package').net()",
}
CLASSES = {
    "Branches": """
        self.first, self.branches = nn.Conv2d(3, 4, 3, padding=1), nn.ModuleList([nn.Conv2d(4, 4, 1) for _ in range(3)])
    def forward(self, x):
        x = self.first(x)
        return sum(branch(x) for branch in self.branches) + x""",
    "Again": """
        self.into, self.step = nn.Conv2d(3, 4, 1), nn.Conv2d(4, 4, 3, padding=1)
    def forward(self, x):
        x = self.into(x)
        for _ in range(3):
            x = torch.tanh(self.step(x)) + x
        return x""",
    "Attention": """
        self.patches, self.attention = nn.Conv2d(3, 8, 4, stride=4), nn.MultiheadAttention(8, 2, batch_first=True)
        self.norm = nn.LayerNorm(8)
    def forward(self, x):
        x = self.patches(x).flatten(2).transpose(1, 2)
        return self.norm(x + self.attention(x, x, x, need_weights=False)[0])""",
    "Transformer": """
        self.patches = nn.Conv2d(3, 8, 4, stride=4)
        self.encoder = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.1, batch_first=True)
    def forward(self, x):
        return self.encoder(self.patches(x).flatten(2).transpose(1, 2))""",
    "Recurrent": """
        self.rows = nn.LSTM(3, 5, batch_first=True)
    def forward(self, x):
        return self.rows(x.mean(3).transpose(1, 2))[0]""",
    "Sequence first": """
        self.rows = nn.GRU(3, 5)
    def forward(self, x):
        return self.rows(x.mean(3).permute(2, 0, 1))[0].permute(1, 0, 2)""",
    "Pairs": """
        self.one, self.two = nn.Conv2d(3, 4, 3), nn.Conv2d(3, 2, 1)
    def forward(self, x):
        return self.one(x), self.two(x)""",
    "Dictionary": """
        self.one = nn.Conv2d(3, 4, 3)
    def forward(self, x):
        return {"features": self.one(x), "labels": x.argmax(1), "nothing": None}""",
    "Tied": """
        self.a, self.b = nn.Conv2d(3, 3, 3, padding=1), nn.Conv2d(3, 3, 3, padding=1)
        self.b.weight = self.a.weight
    def forward(self, x):
        return self.b(torch.relu(self.a(x)))""",
    "Shared": """
        self.a = nn.Conv2d(3, 3, 3, padding=1)
        self.b = self.a
    def forward(self, x):
        return self.b(torch.relu(self.a(x)))""",
    "Odd names": """
        for name in ("conv/1", "50 %", "a b", "é", "output", "%2F"):
            self.add_module(name, nn.Conv2d(3, 3, 1))
    def forward(self, x):
        for module in self.children():
            x = torch.relu(module(x) + x)
        return x""",
    "In place": """
        self.a, self.b = nn.Conv2d(3, 4, 3), nn.Conv2d(4, 4, 1)
    def forward(self, x):
        x = self.a(x)
        x.mul_(2).clamp_(min=0)
        x = self.b(x)
        x += 1
        return x""",
    "Unused": """
        self.a, self.unused, self.numbers = nn.Conv2d(3, 4, 3), nn.Linear(1, 1), [1, 2]
    def forward(self, x):
        return self.a(x)""",
    "Buffers": """
        self.register_buffer("filters", torch.randn(4, 3, 3, 3))
        self.register_buffer("count", torch.tensor(7))
    def forward(self, x):
        return F.conv2d(x, self.filters, padding=1).relu()""",
    "Fourier": """
        self.a = nn.Conv2d(3, 2, 1)
    def forward(self, x):
        return torch.fft.rfft2(self.a(x)).abs()""",
    "Gradients": """
        self.a = nn.Conv2d(3, 2, 3)
    def forward(self, x):
        with torch.no_grad():
            return self.a(x.clone()).detach()""",
    "Own keywords": """
        self.a = nn.Conv2d(3, 2, 3)
    def forward(self, x, *, scale=1.0, **others):
        return self.a(x) * scale""",
    "Hooked": """
        self.a = nn.Conv2d(3, 2, 3)
        self.a.register_forward_hook(lambda module, given, out: out.relu())
    def forward(self, x):
        return self.a(x)""",
    "Noise": """
        self.last = nn.Identity()
        self.a = nn.Conv2d(3, 2, 3)
    def forward(self, x):
        return self.last(self.a(x) + 0.1 * torch.randn(1))""",
    "Dropping": """
        self.last = nn.Identity()
        self.a = nn.Conv2d(3, 2, 3)
    def forward(self, x):
        return self.last(F.dropout(self.a(x), 0.5))""",
    "OfBatch": """
        self.last = nn.Identity()
        self.a = nn.Conv2d(3, 2, 3)
    def forward(self, x):
        x = self.a(x)
        return self.last(x - x.mean(0))""",
    "Outside": """
        self.last = nn.Identity()
        self.a, self.filters = nn.Conv2d(3, 4, 1), torch.randn(4, 4, 3, 3)
    def forward(self, x):
        return self.last(F.conv2d(self.a(x), self.filters))""",
    "Unkept": """
        self.last = nn.Identity()
        self.a = nn.Conv2d(3, 4, 1)
        self.register_buffer("filters", torch.randn(4, 4, 3, 3), persistent=False)
    def forward(self, x):
        return self.last(F.conv2d(self.a(x), self.filters))""",
    "Shifted": """
        self.by = by
    def forward(self, x):
        return x + self.by""",
    "Scaled": """
        self.part, self.by = by, factor
    def forward(self, x):
        return self.part(x) * self.by""",
}
HELPERS = ("Noise", "Dropping", "OfBatch", "Outside", "Unkept", "Shifted", "Scaled")
USUAL = PLAIN | {name: f"{name.replace(' ', '')}()" for name in CLASSES if name not in HELPERS}
NO_STATE = ("lazy", "scripted", "traced", "wrapped")  # whose state dicts are no matter of this test
STATES = ("plain", "under state_dict", "under model", "of parallel training", "safetensors", "beside others")
NO_STATES = ("another shape", "a web page", "empty", "a whole module")


def source_of(kind: str) -> str:
    """The code that makes a network of a kind: a function `net`."""
    classes = ""
    for name, body in CLASSES.items():
        arguments = ", by=0.0, factor=1.0" if name in ("Shifted", "Scaled") else ""
        classes += f"class {name.replace(' ', '')}(nn.Module):\n    def __init__(self{arguments}):\n"
        classes += f"        super().__init__(){body}\n\n"
    return f"{HEAD}{classes}def net():\n    return {(USUAL | DOUBTFUL | REFUSED)[kind]}\n"


def draw_network(odds: Odds, folder: Path, name: str) -> dict[str, Any]:
    """Write the code and the weights of a network; its entry in the config."""
    what = f"network {name}"
    kind = odds.pick(what, list(USUAL), doubtful=list(DOUBTFUL) if odds.often(0.2) else (), refused=list(REFUSED))
    code = source_of(kind)
    settings: dict[str, Any] = {"image_size": int(odds.rng.integers(12, 33))}
    if odds.often(0.2):
        (folder / "src" / f"of_{name}").mkdir(parents=True)
        (folder / "src" / f"of_{name}" / "__init__.py").write_text("")
        (folder / "src" / f"of_{name}" / "parts.py").write_text(code)
        (folder / "src" / f"of_{name}" / "made.py").write_text("from .parts import net\n")
        settings |= {"architecture": f"of_{name}.made:net", "python_path": "src"}
    else:
        (folder / f"{name}.py").write_text(code)
        settings["architecture"] = f"{name}.py:net"
    layers = odds.pick(f"layers of {name}", ["auto"] * 6 + ["output"], refused=["nowhere"])
    settings["layers"] = layers if layers == "auto" else [layers]
    if odds.often(0.2):
        settings |= {"mean": [0.5, 0.4, 0.3], "std": [0.2, 0.3, 0.1]}
    if odds.often(0.1):
        settings["channels_last"] = True
    if kind in USUAL and kind not in NO_STATE and odds.often(0.3):
        settings["weights"] = draw_state(odds, folder, name, code)
    return settings


def draw_state(odds: Odds, folder: Path, name: str, code: str) -> str:
    """Write weights of the network that the code makes; the file's name."""
    made: dict[str, Any] = {}
    exec(compile(code, name, "exec"), made)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(odds.rng.integers(2**31)))
        model: nn.Module = made["net"]()
    state = dict(model.state_dict())
    if not state:
        return "random"
    form = odds.pick(f"weights of {name}", STATES, refused=NO_STATES)
    path = folder / f"{name}.{'safetensors' if form == 'safetensors' else 'pth'}"
    if form in ("a web page", "empty"):
        path.write_bytes(b"<!DOCTYPE html><html>sign in</html>" if form == "a web page" else b"")
    elif form == "safetensors":
        save_file({key: value.contiguous().clone() for key, value in state.items()}, path)
    elif form == "a whole module":
        torch.save(nn.Sequential(nn.Linear(2, 2)), path)
    else:
        torch.save(in_form(form, state), path)
    return path.name


def in_form(form: str, state: dict[str, torch.Tensor]) -> Any:
    """A state dict as people save it, or one of another network."""
    if form == "of parallel training":
        return {f"module.{key}": value for key, value in state.items()}
    if form == "another shape":
        return {key: torch.zeros(2, *value.shape) for key, value in state.items()}
    if form == "beside others":
        return {"epoch": 3, "state_dict": state, "optimizer": {"lr": 0.1}}
    return {form.removeprefix("under "): state} if form.startswith("under ") else state
