"""Which of the 679 sessions of Xiao et al. 2024 a study uses, and what is left to download of them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from ventral.files.csv import read_columns
from ventral.files.errors import InputError, nearest
from ventral.files.fetch import MEGABYTE

REGIONS = {region: (region,) for region in ("V1", "V2", "V4", "PIT", "CIT", "AIT")} | {"IT": ("PIT", "CIT", "AIT")}
COLUMNS = {
    "session": str,
    "stem": str,
    "rasters_size": int,
    "rasters_sha256": str,
    "image_size": int,
    "image_sha256": str,
    "units": int,
    **{region: int for region, parts in REGIONS.items() if parts == (region,)},
}
# Small sessions with many selective units, over CIT (Pa), AIT (Bo, Re) and V1 (An): 37 MB.
PUBLISHED = (
    "Pa210119",
    "Pa210123",
    "Pa191024_1",
    "Pa210120",
    "Pa210201",
    "Bo200712",
    "Bo200912",
    "Re210512",
    "An220105",
)
FILES = {"rasters": ".nwb", "image": "_image.nwb"}


def read_sessions(path: str | Path) -> pd.DataFrame:
    """Read `xiao_sessions.csv`: one row a session, by the authors' name.

    Returns:
        `stem` (sub-X/sub-X_ses-Y), size and sha256 of the `rasters` and the `image` file, and the number of `units`,
        in all and by region.

    Raises:
        InputError: if it cannot be read or lacks a column.
    """
    return read_columns(path, list(COLUMNS), COLUMNS).set_index("session")


def choose_sessions(table: pd.DataFrame, wanted: str | Sequence[str] | Mapping[str, Any]) -> list[str]:
    """Names of the sessions that a study wants.

    Args:
        table: from `read_sessions`.
        wanted: names; or "all"; or "published", a small subset to begin with; or what a session must have:
            `region` (V1, V2, V4, PIT, CIT, AIT, or IT for the last three), `subject` (such as Pa), each one or a list
            of alternatives, and `min_units`, how many units in these regions (1 where absent).

    Returns:
        The names, as given; or in the order of the table.

    Raises:
        InputError: if a name, region, subject or condition is unknown, or no session has all of it.
    """
    if isinstance(wanted, Mapping):
        return _matching(table, wanted)
    if isinstance(wanted, str):
        _known("", [wanted], ["all", "published", *table.index])
        wanted = {"all": list(table.index), "published": PUBLISHED}.get(wanted, [wanted])
    _known("", wanted, list(table.index))
    return list(wanted)


def expected_files(table: pd.DataFrame, stem: str) -> dict[str, dict[str, Any]]:
    """`size` and `sha256` of the files of a session, by kind: `rasters` and `image`.

    Raises:
        InputError: if no session has this stem.
    """
    rows = table[table["stem"] == stem]
    if rows.empty:
        raise InputError("DANDI 000628", stem, "no such session", nearest(stem, table["stem"].tolist()))
    row = rows.iloc[0]
    return {kind: {"size": int(row[f"{kind}_size"]), "sha256": str(row[f"{kind}_sha256"])} for kind in FILES}


def left_to_download(table: pd.DataFrame, sessions: Iterable[str], folder: str | Path) -> dict[Path, int]:
    """The files of the sessions that are not yet in `folder`, and their bytes."""
    sizes = {
        Path(folder, f"{row.stem}{suffix}"): int(row[f"{kind}_size"])
        for _, row in table.loc[list(sessions)].iterrows()
        for kind, suffix in FILES.items()
    }
    return {path: size for path, size in sizes.items() if not path.is_file()}


def download_plan(table: pd.DataFrame, sessions: Collection[str], folder: str | Path) -> str:
    """One line on how many files and megabytes of the sessions are not yet in `folder`."""
    left, n = left_to_download(table, sessions, folder), len(sessions) * len(FILES)
    if not left:
        return f"Xiao et al. 2024: all {n} files are in {folder}"
    return f"Xiao et al. 2024: {len(left)} of {n} files to download, {sum(left.values()) / MEGABYTE:.1f} MB"


def _matching(table: pd.DataFrame, wanted: Mapping[str, Any]) -> list[str]:
    """Names of the sessions that meet every condition, in the order of the table."""
    subjects = table.index.str[:2]
    _known("", wanted, ["region", "subject", "min_units"])
    regions = _alternatives(wanted.get("region", list(REGIONS)))
    _known(".region", regions, list(REGIONS))
    alike = _alternatives(wanted.get("subject", sorted(set(subjects))))
    _known(".subject", alike, sorted(set(subjects)))
    parts = sorted({part for region in regions for part in REGIONS[region]})
    chosen = table.index[(table[parts].sum(axis=1) >= wanted.get("min_units", 1)) & subjects.isin(alike)]
    if chosen.empty:
        asked = ", ".join(f"{key}: {value}" for key, value in wanted.items())
        raise InputError("config", "sessions", f"no session with {asked}", "ask for less")
    return list(chosen)


def _alternatives(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def _known(field: str, names: Iterable[str], known: Collection[str]) -> None:
    """Refuse the first name that is not known."""
    for name in names:
        if name not in known:
            raise InputError("config", f"sessions{field}", f"unknown '{name}'", nearest(str(name), known))
