"""The mean squared error."""

from ventral.scores.metric import Metric

METRIC = Metric(
    title="mean squared error",
    heading="mean squared error",
    meaning="mean squared error, mean((y - yhat)²), in squared units of the responses",
    formula=lambda moments: moments.squared_error,
    scale="positive",
    higher_is_better=False,
)
