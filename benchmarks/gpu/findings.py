"""What a section found: figures, the bars that they are held against, and how both are told."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

Value = float | bool | str


@dataclass(frozen=True)
class Bar:
    """What a figure must be: True, or at least or at most a number.

    Bars of speed count on a GPU at full size alone, where `of_speed` says so.
    """

    at_least: float | None = None
    at_most: float | None = None
    of_speed: bool = False

    def __str__(self) -> str:
        if self.at_least is not None:
            return f"at least {self.at_least:g}"
        return "yes" if self.at_most is None else f"at most {self.at_most:g}"

    def is_met(self, value: Any) -> bool:
        """Whether a value is as it must be. NaN never is."""
        if self.at_least is not None:
            return bool(value >= self.at_least)
        return bool(value) if self.at_most is None else bool(value <= self.at_most)


@dataclass(frozen=True)
class Figure:
    """One measurement, with its unit and the bar that it is held against, if any."""

    name: str
    value: Value
    unit: str = ""
    bar: Bar | None = None

    def verdict(self, is_full: bool) -> str:
        """What became of the bar: met, missed or not judged; empty where there is none."""
        if self.bar is None:
            return ""
        if self.bar.of_speed and not is_full:
            return "not judged"
        return "met" if self.bar.is_met(self.value) else "missed"

    @property
    def shown(self) -> str:
        """The value with its unit."""
        if isinstance(self.value, bool):
            return "yes" if self.value else "no"
        return f"{self.value} {self.unit}".strip() if isinstance(self.value, str) else self._number

    @property
    def _number(self) -> str:
        digits = f"{self.value:.3g}" if abs(self.value) < 1000 else f"{self.value:,.0f}"
        return f"{digits} {self.unit}".strip()


@dataclass(frozen=True)
class Findings:
    """What the function of a section returns: figures, and a note that the verdict line shows."""

    figures: Sequence[Figure]
    note: str = ""


@dataclass(frozen=True)
class Result:
    """A section that has ended.

    Attributes:
        section: its name.
        seconds: that it took, the start of its process included.
        is_full: whether it ran at full size on a GPU.
        figures: what it found; none where it did not end by itself.
        note: what else there is to say.
        peak_gpu_mb: most memory that torch's allocator held at a time; None on the CPU.
        fault: why it did not end by itself, in one line; empty where it did.
        trace: the traceback of the fault, and what the library said before.
    """

    section: str
    seconds: float
    is_full: bool
    figures: Sequence[Figure] = ()
    note: str = ""
    peak_gpu_mb: float | None = None
    fault: str = ""
    trace: str = ""

    @property
    def verdict(self) -> str:
        """One word for the section, or two."""
        verdicts = {figure.verdict(self.is_full) for figure in self.figures}
        ranked = ("missed", "met", "not judged")
        return "failed" if self.fault else next((word for word in ranked if word in verdicts), "told")

    @property
    def is_sound(self) -> bool:
        """Whether it ended, and met every bar that was judged."""
        return self.verdict not in ("failed", "missed")

    def line(self) -> str:
        """The verdict in one line, with seconds and memory."""
        missed = [figure for figure in self.figures if figure.verdict(self.is_full) == "missed"]
        said = [self.fault, *(f"{figure.name}: {figure.shown}, must be {figure.bar}" for figure in missed), self.note]
        memory = "" if self.peak_gpu_mb is None else f", {self.peak_gpu_mb / 1000:.1f} GB of GPU memory"
        told = "; ".join(filter(None, said))
        return f"{self.section:22}{self.verdict:12}{self.seconds:.0f} s{memory}{told and f'; {told}'}"

    def as_json(self) -> dict[str, Any]:
        """All of it, as JSON can hold it."""
        figures = [
            {
                **{"name": figure.name, "value": figure.value, "unit": figure.unit},
                **{"bar": None if figure.bar is None else str(figure.bar), "verdict": figure.verdict(self.is_full)},
            }
            for figure in self.figures
        ]
        return {
            **{"section": self.section, "verdict": self.verdict, "seconds": round(self.seconds, 2)},
            **{"peak_gpu_mb": self.peak_gpu_mb, "note": self.note, "fault": self.fault, "trace": self.trace},
            "figures": figures,
        }


def table(results: Sequence[Result]) -> str:
    """All figures, one a row, with their bars."""
    rows = [
        (result.section, figure.name, figure.shown, str(figure.bar or ""), figure.verdict(result.is_full))
        for result in results
        for figure in result.figures
    ]
    rows.insert(0, ("section", "figure", "value", "bar", ""))
    widths = [max(len(row[i]) for row in rows) for i in range(5)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([lines[0], "  ".join("-" * width for width in widths), *lines[1:]])
