"""Analyses for people: a verdict in words, and a table with lifts and intervals."""

from collections.abc import Mapping
from typing import Final

from rich.console import Console

from ours_experiments.analysis import Analysis, VariantAnalysis, Verdict
from ours_experiments.cli.output.table import print_table
from ours_experiments.cli.output.terminal import safe_text


VERDICTS: Final[Mapping[Verdict, str]] = {
    Verdict.SHIP: "ship {variant}",
    Verdict.ROLL_BACK: "roll back: every treatment is worse",
    Verdict.INCONCLUSIVE: "inconclusive",
    Verdict.KEEP_RUNNING: "keep running",
    Verdict.DO_NOT_TRUST: "do not trust these results",
    Verdict.NOT_APPLICABLE: "nothing to decide",
}
COLUMNS = (
    "variant",
    "rate",
    "lift",
    "95 % interval",
    "impressions",
    "conversions",
    "at every look",
)


def verdict_line(name: str, analysis: Analysis) -> str:
    """Format the verdict on an experiment as one line."""
    names = {variant.id: variant.name for variant in analysis.variants}
    chosen = names.get(analysis.variant_id or "", analysis.variant_id)
    verdict = VERDICTS[analysis.verdict].format(variant=chosen)
    day = f", decided on {analysis.decided_on}" if analysis.decided_on else ""
    return f"{name}: {verdict}{day}"


def print_analysis(out: Console, name: str, analysis: Analysis) -> None:
    """Print the verdict, its reasons and warnings, and the figures of each variant."""
    out.print(safe_text(verdict_line(name, analysis), "bold"))
    for reason in analysis.reasons:
        out.print(safe_text(f"  {reason}"))
    for warning in analysis.warnings:
        out.print(safe_text(f"  warning: {warning}"))
    if analysis.variants:
        rows = [
            {
                "variant": variant_label(row),
                "rate": percent(row.rate),
                "lift": percent(row.lift, sign="+"),
                "95 % interval": percent_range(row.lift_interval),
                "impressions": row.impressions,
                "conversions": row.conversions,
                "at every look": percent_range(row.confidence_sequence),
            }
            for row in analysis.variants
        ]
        print_table(out, rows, COLUMNS)


def variant_label(row: VariantAnalysis) -> str:
    """Return the name of a variant, and which is the control."""
    is_marked = row.is_control and row.name.casefold() != "control"
    return f"{row.name} (control)" if is_marked else row.name


def percent(share: float | None, sign: str = "") -> str | None:
    """Format a share in percent."""
    return None if share is None else f"{share:{sign}.2%}"


def percent_range(interval: tuple[float, float] | None) -> str | None:
    """Format an interval of relative effects in percent."""
    return None if interval is None else f"{interval[0]:+.1%} to {interval[1]:+.1%}"
