"""Every metric, by the name of its file. Tables, pages, figures and docs ask here; no metric is listed twice."""

from importlib import import_module
from pkgutil import iter_modules

from ventral.scores import metrics
from ventral.scores.metric import Metric

RANKED_BY = "pearson_r"  # the metric whose mean over neuroids says which encoder is best
CEILED = "ceiled_r2"  # r² over its noise ceiling: made of a metric and a ceiling, so no metric of its own
CEILED_HEADING = "share of the ceiling"
MEDIAN = "_median"  # ends the name of a median over neuroids, in tables and in the literature's numbers


def find_metrics() -> dict[str, Metric]:
    """All metrics by name: headlines first, then by name."""
    names = sorted(module.name for module in iter_modules(metrics.__path__))
    found = {name: import_module(f"ventral.scores.metrics.{name}").METRIC for name in names}
    return dict(sorted(found.items(), key=lambda item: (not item[1].is_headline, item[0])))


METRICS = find_metrics()
HEADLINES = {name: metric for name, metric in METRICS.items() if metric.is_headline}


def columns_of(name: str) -> tuple[str, str, str]:
    """The columns of a table that hold a metric: its mean over neuroids, and the bounds of the interval."""
    return f"{name}_mean", f"{name}_low", f"{name}_high"


def heading_of(name: str) -> str:
    """How a table heads the numbers called `name`: a metric, the median of one, or another number by its own name."""
    if name in METRICS:
        return METRICS[name].heading
    if name == CEILED:
        return CEILED_HEADING
    if name.endswith(MEDIAN):
        return f"median {heading_of(name.removesuffix(MEDIAN))}"
    return name.replace("_", " ")


def higher_is_better(name: str) -> bool:
    """Whether a higher number called `name` is a better one; true of all that are no metric."""
    metric = METRICS.get(name.removesuffix(MEDIAN))
    return metric is None or metric.higher_is_better
