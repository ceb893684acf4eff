"""Decisions on the results of experiments; needs the extra `analysis`.

>>> from ours_experiments.analysis import Rules, days_needed, sample_size
>>> size = sample_size(baseline=0.10, mde=0.10)
>>> size, days_needed(size, per_day=3_000, weights=(50, 50))
(14751, 14)
>>> rules = Rules(planned_sample=size)

`analyze` returns a verdict with its reasons. It may be asked every night: the error
rate of `Rules.alpha` holds over all looks together. scipy is loaded when a figure is
computed; the size of a sample needs none.
"""

from ours_experiments.analysis.power import (
    days_needed,
    minimum_detectable_effect,
    sample_size,
)
from ours_experiments.analysis.records import (
    Analysis,
    DailyEffect,
    Decision,
    Reason,
    ReasonCode,
    SampleRatio,
    UntrustworthyResultsError,
    VariantAnalysis,
    Verdict,
)
from ours_experiments.analysis.rules import Rules
from ours_experiments.analysis.simulation import false_winner_rate
from ours_experiments.analysis.verdict import analyze, decided


__all__ = [
    "Analysis",
    "DailyEffect",
    "Decision",
    "Reason",
    "ReasonCode",
    "Rules",
    "SampleRatio",
    "UntrustworthyResultsError",
    "VariantAnalysis",
    "Verdict",
    "analyze",
    "days_needed",
    "decided",
    "false_winner_rate",
    "minimum_detectable_effect",
    "sample_size",
]
