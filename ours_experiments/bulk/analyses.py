"""Analyze many experiments at once; needs the extra `analysis`."""

from collections.abc import AsyncGenerator, Iterable, Mapping

from ours_experiments._http.session import Session
from ours_experiments._watching import Reader, to_events, to_rules
from ours_experiments.analysis import Analysis, Rules
from ours_experiments.bulk.options import Ids
from ours_experiments.bulk.readings import read_each


def analyze_each(
    session: Session,
    ids: Ids,
    rules: Rules | Mapping[str, Rules] | None,
    guardrails: Iterable[str],
    concurrency: int,
) -> AsyncGenerator[tuple[str, Analysis], None]:
    """Check the arguments, and yield each experiment's id and analysis."""
    events = to_events(guardrails)
    own: dict[str, Rules] = {}
    general = Rules()
    if isinstance(rules, Mapping):
        own = {experiment_id: to_rules(value) for experiment_id, value in rules.items()}
    else:
        general = to_rules(rules)

    async def read(experiment_id: str) -> Analysis:
        rules = own.get(experiment_id, general)
        return (await Reader(session, experiment_id, rules, events).read()).analysis

    return read_each("analyses", ids, read, concurrency)
