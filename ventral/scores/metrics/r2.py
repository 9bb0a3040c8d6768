"""The coefficient of determination: 1 - mean((y - yhat)^2) / Var(y)."""

from ventral.scores.metric import Metric

METRIC = Metric(
    title="R²",
    heading="R²",
    meaning="coefficient of determination, 1 - mean((y - yhat)²) / Var(y)",
    formula=lambda moments: 1 - moments.squared_error / moments.variance,
    scale="share",
    ceiling=lambda ceiling: ceiling,
)
