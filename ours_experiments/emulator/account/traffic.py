"""Simulated visitors: daily counts, results, probabilities, session replays."""

import random
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

from ours_experiments.emulator.account.behavior import (
    Behavior,
    Counts,
    visitors_and_converters,
)
from ours_experiments.emulator.account.ids import Ids
from ours_experiments.emulator.account.probability import probabilities_to_be_best
from ours_experiments.emulator.account.records import Experiment
from ours_experiments.emulator.clock import timestamp
from ours_experiments.emulator.json_values import Json, array, mapping


_REPLAYS_PER_DAY = 6
_DAY = 24 * 60 * 60 * 1000
_VIEWER = "https://app.oursprivacy.com/session-replay/replayer"


@dataclass(frozen=True, slots=True)
class Replay:
    """A recorded session of a visitor who saw a variant."""

    number: int
    session_id: str
    visitor_id: str
    variant_id: str
    started_at: int
    seconds: int
    pages: int

    def wire(self, variant_name: str) -> dict[str, Json]:
        """Return the replay as the API spells it."""
        started = timestamp(self.started_at) or ""
        query = f"sessionId={self.session_id}&visitorId={self.visitor_id}"
        return {
            "sessionId": self.session_id,
            "visitorId": self.visitor_id,
            "variantName": variant_name,
            "startTime": started,
            "durationSeconds": self.seconds,
            "pageCount": self.pages,
            "replayUrl": f"{_VIEWER}?{query}&date={started[:10]}",
        }


@dataclass(slots=True)
class Traffic:
    """The traffic of all experiments, repeatable by the seed."""

    ids: Ids
    seed: int
    _days: dict[str, dict[date, dict[str, Counts]]] = field(
        default_factory=dict[str, dict[date, dict[str, Counts]]]
    )
    _replays: dict[str, list[Replay]] = field(default_factory=dict[str, list[Replay]])

    def simulate(
        self,
        experiment: Experiment,
        now: int,
        behavior: Behavior,
        seed: int | None = None,
    ) -> None:
        """Replace the traffic of an experiment; its run starts early enough."""
        if experiment.run_started_at is None:
            raise ValueError("only an experiment that was started has traffic")
        behavior.check(experiment)
        source = f"traffic {self.seed if seed is None else seed} {experiment.number}"
        dice = random.Random(source)  # noqa: S311 - repeatable, not secret
        # A source of their own: repeated events change neither visitors nor replays.
        repeats = random.Random(f"{source} repeats")  # noqa: S311
        rates = behavior.rates(experiment, dice)
        end = now if experiment.stopped_at is None else experiment.stopped_at
        last = _day_of(end)
        first = last - timedelta(days=behavior.days - 1)
        midnight = _midnight(first)
        started_at = min(experiment.run_started_at, midnight)
        experiment.run_started_at = started_at
        experiment.started_at = min(experiment.started_at or midnight, midnight)
        # A run that begins in the past needs an experiment that existed then.
        experiment.created_at = min(experiment.created_at, started_at)
        enrolled = behavior.visitors_per_day * experiment.traffic_allocation / 100
        total_weight = sum(variant.weight for variant in experiment.variants)
        self._days[experiment.id] = {
            first + timedelta(days=number): {
                variant.id: behavior.repeat(
                    variant.id,
                    visitors_and_converters(
                        dice,
                        enrolled * variant.weight / total_weight,
                        rates[variant.id],
                    ),
                    repeats,
                )
                for variant in experiment.variants
            }
            for number in range(behavior.days)
        }
        self._replays[experiment.id] = self._record(
            experiment.id, dice, started_at, end
        )

    def forget(self, experiment_id: str) -> None:
        """Delete the traffic of an experiment."""
        self._days.pop(experiment_id, None)
        self._replays.pop(experiment_id, None)

    def results(self, experiment: Experiment, event: str) -> list[dict[str, Json]]:
        """Return the results of the whole run, a row for each variant."""
        days = self._days.get(experiment.id, {}).values()
        counts: list[Counts] = []
        for variant in experiment.variants:
            daily = [_for_event(experiment, event, day[variant.id]) for day in days]
            counts.append((sum(n for n, _ in daily), sum(k for _, k in daily)))
        # The service reports zeros, no nulls, for what has not run.
        if experiment.status == "draft":
            best = (0.0,) * len(counts)
        else:
            best = probabilities_to_be_best(tuple(counts), self.seed)
        return [
            {
                "id": variant.id,
                "name": variant.name,
                "isControl": variant.is_control,
                **_rates(count),
                "probabilityToBeBest": probability,
            }
            for variant, count, probability in zip(
                experiment.variants, counts, best, strict=True
            )
        ]

    def series(
        self, experiment: Experiment, event: str, first: date, last: date
    ) -> list[dict[str, Json]]:
        """Return the days of a window that have impressions."""
        return [
            {
                "date": day.isoformat(),
                "variants": [
                    {"id": variant_id, **_rates(_for_event(experiment, event, count))}
                    for variant_id, count in counts.items()
                ],
            }
            for day, counts in self._days.get(experiment.id, {}).items()
            if first <= day <= last and any(seen for seen, _ in counts.values())
        ]

    def replays(self, experiment_id: str, variant_id: str | None) -> list[Replay]:
        """Return the recorded sessions, the newest first."""
        return [
            replay
            for replay in self._replays.get(experiment_id, [])
            if variant_id is None or replay.variant_id == variant_id
        ]

    def _record(
        self, experiment_id: str, dice: random.Random, started_at: int, end: int
    ) -> list[Replay]:
        recorded: list[Replay] = []
        for day, counts in self._days[experiment_id].items():
            earliest = max(_midnight(day), started_at)
            latest = max(earliest, min(_midnight(day) + _DAY - 1, end))
            for variant_id, (seen, _) in counts.items():
                for _ in range(min(seen, _REPLAYS_PER_DAY)):
                    replay = Replay(
                        number=len(recorded),
                        session_id=self.ids.new("sess"),
                        visitor_id=self.ids.new("v"),
                        variant_id=variant_id,
                        started_at=dice.randint(earliest, latest),
                        seconds=dice.randint(5, 1200),
                        pages=dice.randint(1, 12),
                    )
                    recorded.append(replay)
        return sorted(recorded, key=lambda r: (r.started_at, r.number), reverse=True)


def run_of(experiment: Experiment, now: int) -> tuple[date, date] | None:
    """Return the first and the last day of the run, None before the start."""
    if experiment.run_started_at is None:
        return None
    end = now if experiment.stopped_at is None else experiment.stopped_at
    return _day_of(experiment.run_started_at), _day_of(end)


def _for_event(experiment: Experiment, event: str, counts: Counts) -> Counts:
    """Return the conversions of an event, a share of the primary one's."""
    seen, converted = counts
    if event == experiment.primary_event():
        return counts
    metrics = array((experiment.metrics or {}).get("secondary")) or ()
    if not any((mapping(metric) or {}).get("eventName") == event for metric in metrics):
        return seen, 0
    # The same share at every request, whatever was drawn in between.
    share = random.Random(f"event {event}").uniform(0.2, 0.8)  # noqa: S311
    return seen, round(converted * share)


def _rates(counts: Counts) -> dict[str, Json]:
    seen, converted = counts
    return {
        "impressions": seen,
        "conversions": converted,
        "conversionRate": converted / seen if seen else 0.0,
    }


def _day_of(moment: int) -> date:
    return datetime.fromtimestamp(moment / 1000, UTC).date()


def _midnight(day: date) -> int:
    return int(datetime.combine(day, time(), UTC).timestamp()) * 1000
