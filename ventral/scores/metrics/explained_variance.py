"""Explained variance: 1 - Var(y - yhat) / Var(y)."""

from ventral.scores.metric import Metric

METRIC = Metric(
    title="explained variance",
    heading="explained variance",
    meaning="share of the variance of the responses that the predictions explain, 1 - Var(y - yhat) / Var(y)",
    formula=lambda moments: 1 - moments.error_variance / moments.variance,
    scale="share",
    ceiling=lambda ceiling: ceiling,
    is_headline=True,
)
