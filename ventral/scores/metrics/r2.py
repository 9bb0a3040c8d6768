"""The coefficient of determination: 1 - mean((y - yhat)^2) / Var(y)."""

from ventral.scores.metric import Metric
from ventral.scores.r2 import r2_of

METRIC = Metric(
    title="R²",
    heading="R²",
    meaning="coefficient of determination, 1 - mean((y - yhat)²) / Var(y)",
    formula=r2_of,
    scale="share",
    ceiling=lambda ceiling: ceiling,
)
