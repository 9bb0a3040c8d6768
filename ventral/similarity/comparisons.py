"""Representational similarity of regions, sessions and layers: all comparisons of a dataset, with statistics."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations, groupby
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.spatial.distance import squareform
from scipy.stats import false_discovery_control

from ventral.scores.resampling import bootstrap_weights, interval
from ventral.similarity.ceilings import Ceiling, split_half_ceiling
from ventral.similarity.cka import Kernel, linear_cka, make_kernel
from ventral.similarity.inference import Ordering, exact_spearman, order_rdm, permutation_null, permutation_p
from ventral.similarity.measures import cosine, kendall, known_pearson, pearson
from ventral.similarity.rdms import WeighedRDM, correlate, rank_rdm, squared_distances
from ventral.similarity.regions import RegionRDM, area_ceiling, region_ceilings
from ventral.similarity.sessions import Pooled, average_sessions, draw_sessions, is_confounded, pool_sessions

Floats = NDArray[np.float64]

TEXT = ("region", "compared_with", "layer", "interval", "flag")
COMPARISON = (
    *("region", "compared_with", "layer", "depth", "n_stimuli", "spearman", "low", "high", "interval", "ceiling"),
    *("ceiling_low", "ceiling_high", "pearson", "kendall", "cosine", "crossnobis", "p", "q"),
    *("within", "within_low", "within_high", "pooled", "partial", "flag"),
    *("cka", "cka_low", "cka_high", "cka_unbiased", "cka_unbiased_low", "cka_unbiased_high"),
)
FIXED, EXACT = "fixed ranks", "exact"
CONFOUNDED = "confounded"
HELD = 2**27  # entries of RDMs in memory at a time: 512 MB in float32


@dataclass(frozen=True)
class _Geometry:
    """A region or a layer, prepared for comparisons under every weighting of its stimuli."""

    pairs: Floats
    ranked: WeighedRDM
    kernel: Kernel | None
    squared: Floats | None  # (pairs,) squared distances; crossvalidated for a region

    @cached_property
    def ranks(self) -> NDArray[np.float32]:
        """(pairs,) standardised ranks."""
        return squareform(self.ranked.values, checks=False).astype(np.float32)


def _geometry(rdm: Floats, inner: Floats | None, squared: Floats | None, weights: NDArray) -> _Geometry:
    kernel = None if inner is None else make_kernel(inner, weights)
    distances = None if squared is None else squareform(squared, checks=False)
    return _Geometry(squareform(rdm, checks=False), rank_rdm(rdm, weights), kernel, distances)


@dataclass
class _Row:
    """One comparison.

    Attributes:
        about: the columns that say what is compared: names, `depth`, `n_stimuli` and ceilings.
        region: index of the region, or of the area of joined sessions.
        points: measures without an interval.
        draws: measures with an interval: (1 + draw,) values, first for all stimuli, then for the resamples.
        null: (draw,) correlations of permuted stimuli.
        interval: how the resamples were ranked.
    """

    about: dict[str, Any]
    region: int
    points: dict[str, float]
    draws: dict[str, Floats]
    null: NDArray[np.float32] = field(default_factory=lambda: np.empty(0, np.float32))
    interval: str = FIXED

    @property
    def spearman(self) -> float:
        """Spearman correlation for all stimuli."""
        return float(self.draws["spearman"][0])

    def columns(self) -> dict[str, Any]:
        """The comparison as a row of the table."""
        row = self.about | self.points | {"interval": self.interval}
        for name, prefix in (("spearman", ""), ("cka", "cka_"), ("cka_unbiased", "cka_unbiased_")):
            if name in self.draws:
                of = self.draws[name]
                row |= zip((name, f"{prefix}low", f"{prefix}high"), (of[0], *interval(of[0], of[1:])), strict=True)
        return row | {"p": permutation_p(self.spearman, self.null) if len(self.null) else np.nan}


def _compared(about: dict[str, Any], region: int, a: _Geometry, b: _Geometry) -> _Row:
    points = {measure.__name__: measure(a.pairs, b.pairs) for measure in (pearson, kendall, cosine)}
    points["crossnobis"] = np.nan if a.squared is None or b.squared is None else known_pearson(a.squared, b.squared)
    draws = {"spearman": correlate(a.ranked, b.ranked)}
    if a.kernel is not None and b.kernel is not None:
        draws["cka"], draws["cka_unbiased"] = linear_cka(a.kernel, b.kernel)
    return _Row(about | {"n_stimuli": len(a.ranked.values)}, region, points, draws)


def _named(found: Ceiling) -> dict[str, float]:
    return {"ceiling": found.ceiling, "ceiling_low": found.low, "ceiling_high": found.high}


class Comparisons:
    """All comparisons of a dataset: of regions with one another, then of every layer with every region.

    Args:
        regions: from `region_rdms`.
        n_draws: bootstrap resamples of the stimuli and of the sessions, and permutations of the stimuli.
        seed: of these.
        threads: number of threads that share the work; the results do not depend on it.
    """

    def __init__(self, regions: list[RegionRDM], n_draws: int, seed: int, threads: int = 1) -> None:
        self.regions, self.n_draws, self.seed, self.threads = regions, n_draws, seed, threads
        self.subsets = {region.stimuli.tobytes(): region.stimuli for region in regions}
        self.weights = {
            key: np.vstack([np.ones(len(s), dtype=int), bootstrap_weights(len(s), n_draws, seed + k)])
            for k, (key, s) in enumerate(self.subsets.items())
        }
        self.known = [_geometry(r.rdm, r.inner, r.crossnobis, self.weights[r.stimuli.tobytes()]) for r in regions]
        self.ceilings = region_ceilings(regions)
        self.areas = {
            area: list(members) for area, members in groupby(range(len(regions)), lambda i: regions[i].area) if area
        }
        self.pooled = {area: self._pool(members) for area, members in self.areas.items()}
        self.claims: dict[tuple[str, str, str], tuple[float, float]] = {}
        self.rows: list[_Row] = []
        self.waiting: list[tuple[_Row, NDArray[np.float32]]] = []  # rows that still need permutations, with their ranks
        self.depth: dict[str, int] = {}
        for i, j in combinations(range(len(regions)), 2):
            if np.array_equal(regions[i].stimuli, regions[j].stimuli):
                reliability = regions[i].reliability * regions[j].reliability
                about = {"region": regions[i].region, "compared_with": regions[j].region, "layer": "", "depth": -1}
                about["ceiling"] = split_half_ceiling(reliability).ceiling
                self._append(_compared(about, i, self.known[i], self.known[j]), self.known[j])

    def _pool(self, members: list[int]) -> Pooled | None:
        known = [(r, self.regions[i].stimuli) for i in members if (r := self.regions[i].rates) is not None]
        return pool_sessions([r for r, _ in known], [stimuli for _, stimuli in known], self.seed)

    def add(self, network: str, layer: str, rdm: Floats, inner: Floats, known: NDArray[np.bool_] | None = None) -> None:
        """Compare the next layer of a network, early layers first.

        Args:
            network: its name.
            layer: its name.
            rdm: (n, n) of all stimuli.
            inner: (n, n) inner products of the stimuli; zeros if all have the same features.
            known: (n,) stimuli that have a place in the RDM; regions with other stimuli are left out. None for all.
        """
        depth = self.depth[network] = self.depth.get(network, -1) + 1
        of_layer = {}
        for key, s in self.subsets.items():
            if known is None or known[s].all():
                own = inner[np.ix_(s, s)]
                of_layer[key] = _geometry(rdm[np.ix_(s, s)], own, squared_distances(own), self.weights[key])

        def with_region(i: int) -> tuple[_Row, _Geometry] | None:
            region = self.regions[i]
            if (other := of_layer.get(region.stimuli.tobytes())) is None:
                return None
            about = {"region": region.region, "compared_with": network, "layer": layer, "depth": depth}
            return _compared(about | _named(self.ceilings[i]), i, self.known[i], other), other

        with ThreadPoolExecutor(self.threads) as pool:
            for found in pool.map(with_region, range(len(self.regions))):
                if found is not None:
                    self._append(*found)
        for area, pooled in self.pooled.items():
            if pooled is not None:
                self.claims[area, network, layer] = pooled.compare(rdm)

    def _append(self, row: _Row, other: _Geometry) -> None:
        self.rows.append(row)
        self.waiting.append((row, other.ranks))
        if sum(values.size for _, values in self.waiting) > HELD:
            self._permute()

    def _permute(self) -> None:
        """Compute the permutation correlations of every waiting row; all rows of a region get the same permutations."""
        for i in {row.region for row, _ in self.waiting}:
            rows = [row for row, _ in self.waiting if row.region == i]
            values = np.stack([values for row, values in self.waiting if row.region == i])
            # Each region has its own permutations, so that those of the sessions of an area are independent.
            null = permutation_null(self.known[i].ranked.values, values, self.n_draws, self.seed + i)
            for row, draws in zip(rows, null.T, strict=True):
                row.null = draws.copy()
        self.waiting = []

    def table(self, read: Callable[[str, str], Floats]) -> pd.DataFrame:
        """Rows of `COMPARISON`: regions with regions, layers with regions, and layers with areas of several sessions.

        Args:
            read: returns the (n, n) RDM of a network and layer that was added.
        """
        self._permute()
        reported = self._reported()
        for i, rows in groupby(sorted(reported, key=lambda row: row.region), lambda row: row.region):
            self._exact(i, list(rows), read)
        joined = [row for area, members in self.areas.items() for row in self._join(area, members)]
        table = pd.DataFrame([row.columns() for row in self.rows] + joined, columns=list(COMPARISON))
        table["flag"] = table["flag"].astype(object).fillna("")
        for _, of in table[table["layer"] != ""].groupby("region", sort=False):
            table.loc[of.index, "q"] = false_discovery_control(of["p"])
        return table

    def _reported(self) -> list[_Row]:
        """Rows of regions with regions, and of the layer of each network most similar to a region or area."""
        found = [row for row in self.rows if not row.about["layer"]]
        for rows in self._by(lambda row: (row.about["compared_with"], row.region)):
            found.append(max(rows, key=lambda row: row.spearman))
        for rows in self._by(lambda row: (row.about["compared_with"], self.regions[row.region].area)):
            if self.regions[rows[0].region].area:
                layers = list(_by_layer(rows))
                average = [self._within(layer)["spearman"][0] for layer in layers]
                found += layers[int(np.argmax(average))]
        return list({id(row): row for row in found}.values())

    def _by(self, key: Callable[[_Row], tuple]) -> list[list[_Row]]:
        """The rows of layers, grouped by a key."""
        gathered: dict[tuple, list[_Row]] = {}
        for row in self.rows:
            if row.about["layer"]:
                gathered.setdefault(key(row), []).append(row)
        return list(gathered.values())

    def _exact(self, region: int, rows: list[_Row], read: Callable[[str, str], Floats]) -> None:
        """Replace the approximate ranks in the resamples of some rows of a region by exact ones."""
        stimuli = self.regions[region].stimuli
        names = {r.region: r.rdm for r in self.regions}
        mine, weights = order_rdm(self.regions[region].rdm), self.weights[stimuli.tobytes()][1:]

        def ordered(row: _Row) -> Ordering:
            other, layer = row.about["compared_with"], row.about["layer"]
            return order_rdm(read(other, layer)[np.ix_(stimuli, stimuli)] if layer else names[other])

        step = max(HELD // len(stimuli) ** 2, 1)
        for some in (rows[start : start + step] for start in range(0, len(rows), step)):
            draws = exact_spearman(mine, [ordered(row) for row in some], weights, self.threads)
            for row, exact in zip(some, draws.T, strict=True):
                row.draws["spearman"], row.interval = np.r_[row.spearman, exact], EXACT

    def _within(self, rows: list[_Row]) -> dict[str, Floats]:
        """(1 + draw,) averages over the sessions' rows, with resampled images and sessions."""
        n_stimuli = [row.about["n_stimuli"] for row in rows]
        counts = draw_sessions(len(rows), self.n_draws, self.seed + len(self.subsets))
        return {
            name: average_sessions(np.stack([row.draws[name] for row in rows]), n_stimuli, counts)
            for name in rows[0].draws
            if all(name in row.draws for row in rows)  # a session with missing trials has no CKA
        }

    def _join(self, area: str, members: list[int]) -> Iterator[dict[str, Any]]:
        """Rows of an area: the average within its sessions, beside the pooled value."""
        ceiling = _named(area_ceiling([self.regions[i] for i in members]))
        for rows in _by_layer([row for row in self.rows if row.region in members and row.about["layer"]]):
            once = np.ones((1, len(rows)), dtype=np.int64)
            n_stimuli = [row.about["n_stimuli"] for row in rows]
            seen = np.unique(np.concatenate([self.regions[row.region].stimuli for row in rows]))
            about = rows[0].about | ceiling | {"region": area, "n_stimuli": len(seen)}
            points = {
                name: average_sessions(np.array([[row.points[name]] for row in rows]), n_stimuli, once)[0]
                for name in rows[0].points
            }
            nulls = np.stack([row.null for row in rows]).astype(np.float64)
            null = average_sessions(nulls, n_stimuli, np.ones(nulls.T.shape, dtype=np.int64))
            kind = EXACT if all(row.interval == EXACT for row in rows) else FIXED
            row = _Row(about, -1, points, self._within(rows), null.astype(np.float32), kind).columns()
            row |= {"within": row["spearman"], "within_low": row["low"], "within_high": row["high"]}
            claim = self.claims.get((area, about["compared_with"], about["layer"]))
            if claim is not None:
                row |= {"pooled": claim[0], "partial": claim[1]}
                row["flag"] = CONFOUNDED if is_confounded(claim[0], row["low"], row["high"]) else ""
            yield row


def _by_layer(rows: list[_Row]) -> Iterator[list[_Row]]:
    """The rows of each layer, in the order in which layers were added."""
    gathered: dict[tuple[str, str], list[_Row]] = {}
    for row in rows:
        gathered.setdefault((row.about["compared_with"], row.about["layer"]), []).append(row)
    yield from gathered.values()
