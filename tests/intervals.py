"""Check all intervals in the tables of a study: each contains its estimate and has a width."""

from pathlib import Path

import pandas as pd

# What an interval of columns `low` and `high` is of: the first of these that a table has.
OF = ("value", "difference", "spearman", "accuracy")


def count_intervals(tables: Path) -> int:
    """Check every interval in the tables of a folder; return how many there are."""
    count = 0
    for path in sorted(tables.glob("*.csv")):
        table = pd.read_csv(path)
        for low_name in [name for name in table.columns if name == "low" or name.endswith("_low")]:
            stem = low_name.removesuffix("low").rstrip("_")
            if stem == "ceiling":  # bounds of a ceiling, not an interval
                continue
            candidates = [f"{stem}_mean", stem] if stem else OF
            own = next(table[name] for name in candidates if name in table.columns)
            low, high = table[low_name], table[low_name.removesuffix("low") + "high"]
            known = low.notna()
            assert (known == high.notna()).all() and own[known].notna().all(), f"{path.name}: {low_name}"
            # Tables have six digits, of which the last is rounded.
            room = 2e-6 * own.abs()
            inside = (low - room <= own) & (own <= high + room) & (low < high)
            assert inside[known].all(), f"{path.name}: {low_name}: {table[known & ~inside].to_dict('records')[:3]}"
            count += int(known.sum())
    return count
