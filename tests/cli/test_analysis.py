"""Decisions on the command line: analyze, size, simulate-rule."""

import json

import pytest

from tests.cli.runner import Invoke, Service, Terminal


def with_effect(service: Service, treatment: float, days: int = 28) -> str:
    """Return a running experiment with traffic; the control converts at 10 percent."""
    [experiment_id] = service.seed(1, "running")
    rates = dict(
        zip(service.variant_ids(experiment_id), (0.10, treatment), strict=True)
    )
    service.emulator.simulate(
        experiment_id,
        days=days,
        visitors_per_day=4_000,
        conversion_rates=rates,
        seed=1,
    )
    return experiment_id


@pytest.mark.parametrize(
    ("treatment", "days", "verdict", "code"),
    [
        pytest.param(0.14, 28, "ship Variant 1", 0, id="ship"),
        pytest.param(0.06, 28, "roll back", 0, id="roll-back"),
        pytest.param(0.10, 5, "keep running", 11, id="keep-running"),
    ],
)
def test_a_verdict_is_words_and_an_exit_code(
    service: Service,
    invoke: Invoke,
    *,
    treatment: float,
    days: int,
    verdict: str,
    code: int,
) -> None:
    """People read the verdict with its reasons; `--check` is its exit code."""
    experiment_id = with_effect(service, treatment, days)
    ran = invoke("analyze", experiment_id, "--check")
    assert ran.code == code, ran.err
    first, reason, *_ = ran.out.splitlines()
    assert f": {verdict}" in first
    assert reason.startswith("  ")
    heading = next(line for line in ran.out.splitlines() if line.startswith("variant"))
    assert heading.split("  ")[0] == "variant"
    assert "lift" in heading
    assert "95 % interval" in heading
    assert invoke("analyze", experiment_id).code == 0


def test_results_that_contradict_the_weights_are_not_trusted(
    service: Service, invoke: Invoke
) -> None:
    """Traffic that is not divided by the weights is exit code 12 with `--check`."""
    experiment_id = with_effect(service, 0.10)
    variants = service.emulator.state.get(experiment_id).variants
    variants[0].weight, variants[1].weight = 80, 20
    ran = invoke("analyze", experiment_id, "--check")
    assert ran.code == 12, ran.out
    assert "do not trust" in ran.out


def test_programs_get_a_record(service: Service, invoke: Invoke) -> None:
    """JSON holds the verdict, the reasons with their codes, and the intervals."""
    experiment_id = with_effect(service, 0.14)
    record = invoke("analyze", experiment_id, "--format", "json").json
    assert record["experiment_id"] == experiment_id
    assert record["verdict"] == "ship"
    assert record["variant_id"] == service.variant_ids(experiment_id)[1]
    assert record["reasons"][0]["code"]
    low, high = record["variants"][1]["confidence_sequence"]
    assert 0 < low < high


def test_many_are_analyzed_by_a_filter(service: Service, invoke: Invoke) -> None:
    """With a filter every matching experiment is a line; the worst code counts."""
    decided = with_effect(service, 0.14)
    young = with_effect(service, 0.10, days=3)
    words = ("analyze", "--status", "running", "--check")
    ran = invoke(*words, "--format", "jsonl")
    assert ran.code == 11, ran.err
    verdicts = {line["experiment_id"]: line["verdict"] for line in ran.lines}
    assert verdicts == {decided: "ship", young: "keep_running"}


def test_a_guardrail_keeps_a_winner_back(service: Service, invoke: Invoke) -> None:
    """`--guardrails` names events; their figures are in the record."""
    experiment_id = with_effect(service, 0.14)
    record = invoke(
        *("analyze", experiment_id, "--guardrails", "checkout", "--format", "json")
    ).json
    assert list(record["guardrails"]) == ["checkout"]


@pytest.mark.parametrize("words", [(), ("exp_1", "--status", "running")])
def test_what_to_analyze_is_given_once(
    service: Service, invoke: Invoke, words: tuple[str, ...]
) -> None:
    """Neither ids nor a filter, and both, are usage errors."""
    assert invoke("analyze", *words).code == 2
    assert service.emulator.log.received() == 0


@pytest.mark.parametrize("columns", [60, 80])
def test_an_analysis_fits_a_narrow_terminal(service: Service, columns: int) -> None:
    """At 60 and 80 columns the lift and its interval are there, and nothing wraps."""
    experiment_id = with_effect(service, 0.14)
    terminal = Terminal(
        "analyze", experiment_id, env=service.environment, columns=columns
    )
    assert terminal.end() == 0
    assert "95 % interval" in terminal.screen
    assert max(map(len, terminal.lines)) <= columns


def test_a_size_is_planned(invoke: Invoke) -> None:
    """`size` agrees with the library, also for uneven weights."""
    record = invoke(
        *("size", "--baseline", "0.1", "--mde", "0.1", "--per-day", "3000"),
        *("--format", "json"),
    ).json
    assert record["impressions_of_each_arm"] == [14_751, 14_751]
    assert record["days"] == 14
    uneven = invoke(
        *("size", "--baseline", "0.1", "--mde", "0.1", "--per-day", "3000"),
        *("--weights", "80", "20", "--format", "json"),
    ).json
    assert uneven["impressions_of_each_arm"] == [36_499, 9_125]
    assert uneven["days"] == 21
    assert "14751, 14751" in invoke("size", "--baseline", "0.1", "--mde", "0.1").out


@pytest.mark.parametrize(
    "words",
    [
        ("size", "--baseline", "1.5", "--mde", "0.1"),
        ("size", "--baseline", "0.1", "--mde", "0"),
        ("size", "--baseline", "0.1", "--mde", "0.1", "--weights", "1"),
        ("simulate-rule", "--baseline", "2", "--per-day", "100"),
    ],
    ids=" ".join,
)
def test_a_size_that_has_no_meaning_is_one_line(
    invoke: Invoke, words: tuple[str, ...]
) -> None:
    """What the library refuses ends with code 3 and one line that names it."""
    ran = invoke(*words)
    assert ran.code == 3
    assert ran.err.count("\n") == 1


def test_a_rule_is_simulated(invoke: Invoke) -> None:
    """`simulate-rule` says how often a rule is wrong, the same for the same seed."""
    words = ("simulate-rule", "--baseline", "0.1", "--per-day", "500")
    more = ("--days", "8", "--runs", "20", "--seed", "3")
    shown = invoke(*words, *more)
    assert shown.code == 0, shown.err
    assert "of 20 experiments without a difference" in shown.out
    first = json.loads(invoke(*words, *more, "--format", "json").out)
    assert 0 <= first["false_winner_rate"] <= 0.3
    assert json.loads(invoke(*words, *more, "--format", "json").out) == first


def test_stopping_by_probability_says_what_it_does_not_control(
    service: Service, invoke: Invoke
) -> None:
    """`--until-probability` prints a note that looking often makes it wrong."""
    experiment_id = with_effect(service, 0.14)
    ran = invoke("watch", experiment_id, "--until-probability", "0.9")
    assert ran.code == 0
    assert "--until decided" in ran.err
    shown = " ".join(invoke("watch", "--help").out.split())
    assert "does not control" in shown


def test_a_watch_until_decided(service: Service, invoke: Invoke) -> None:
    """`watch --until decided` ends with the verdict."""
    experiment_id = with_effect(service, 0.14)
    service.emulator.faults.add(
        "status", code=404, route="experiments.results", after=20
    )
    ran = invoke("watch", experiment_id, "--until", "decided", "--interval", "0.01")
    assert ran.code == 0, ran.err
    assert "ship Variant 1" in ran.err
