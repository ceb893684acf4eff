"""Warnings about experiments that `start` would start in vain."""

import pytest

from tests.cli.runner import Invoke, Service, Terminal


def with_rules(service: Service, experiment_id: str, *patterns: str) -> None:
    """Give an experiment URL patterns."""
    record = service.emulator.state.get(experiment_id)
    record.targeting_rules = {"urlPatterns": list(patterns)}


def with_domains(service: Service, *domains: str) -> None:
    """Limit the only settings of the account to domains."""
    [settings] = service.emulator.state.settings_by_id.values()
    settings.whitelist_domains = list(domains)


@pytest.mark.parametrize(
    ("pattern", "warned"),
    [
        ("https://shop.example/sale*", False),
        ("https://SHOP.example/", False),
        ("shop.example/sale", False),
        ("/sale*", False),
        ("**", False),
        ("*://*/sale", False),
        ("https://other.example/sale*", True),
        ("other.example/*", True),
        ("https://www.shop.example/", True),
        ("https://other.example:8080/", True),
    ],
)
def test_a_host_outside_the_domains_is_warned_about(
    service: Service, invoke: Invoke, pattern: str, *, warned: bool
) -> None:
    """An experiment on a host that no settings allow starts, with a warning."""
    [experiment_id] = service.seed(1)
    with_domains(service, "shop.example")
    with_rules(service, experiment_id, pattern)
    ran = invoke("start", experiment_id)
    assert ran.code == 0, ran.err
    assert ("whitelist_domains" in ran.err) is warned
    assert (experiment_id in ran.err) is warned
    assert service.status(experiment_id) == "running"


def test_without_a_limit_every_host_is_allowed(
    service: Service, invoke: Invoke
) -> None:
    """Settings without domains allow all hosts."""
    [experiment_id] = service.seed(1)
    with_rules(service, experiment_id, "https://other.example/")
    assert invoke("start", experiment_id).err == ""


def test_a_personalization_without_treatment_is_warned_about(
    service: Service, invoke: Invoke
) -> None:
    """A personalization with nothing but its control shows visitors nothing."""
    [good] = service.seed(1)
    [bare] = service.seed(1, variants=1)
    for experiment_id in (good, bare):
        service.emulator.state.get(experiment_id).type = "personalization"
    ran = invoke("start", good, bare)
    assert "a personalization without a treatment changes nothing" in ran.err
    assert bare in ran.err
    assert good not in ran.err


@pytest.mark.parametrize("form", ["table", "json", "jsonl", "csv"])
def test_a_dry_run_warns_once(service: Service, invoke: Invoke, form: str) -> None:
    """The report of a dry run has the warning, and nothing repeats it."""
    [good] = service.seed(1)
    [bare] = service.seed(1, variants=1)
    service.emulator.state.get(bare).type = "personalization"
    ran = invoke("start", good, bare, "--dry-run", "--format", form)
    assert ran.code == 0, ran.err
    assert ran.out.count("a personalization without a treatment") == 1
    assert "treatment" not in ran.err


def test_many_warnings_of_a_dry_run(service: Service, invoke: Invoke) -> None:
    """The table shows the first warnings, and how many more there are."""
    ids = service.seed(23)
    with_domains(service, "shop.example")
    for experiment_id in ids:
        with_rules(service, experiment_id, "https://other.example/")
    ran = invoke("start", *ids, "--dry-run", "--format", "table")
    assert ran.out.count("warning: ") == 20
    assert "and 3 more" in ran.out


def test_a_warning_comes_before_the_question(service: Service) -> None:
    """What a filter finds is warned about before anybody says yes."""
    [experiment_id] = service.seed(1)
    with_domains(service, "shop.example")
    with_rules(service, experiment_id, "https://other.example/")
    terminal = Terminal("start", "--status", "draft", env=service.environment)
    terminal.wait_for("[y/N]")
    assert "other.example" in terminal.screen
    terminal.type("n\n")
    assert terminal.end() == 1
    assert service.status(experiment_id) == "draft"


def test_what_cannot_be_read_does_not_keep_a_start_back(
    service: Service, invoke: Invoke
) -> None:
    """If the warnings cannot be worked out, the start goes on without them."""
    [experiment_id] = service.seed(1)
    service.emulator.faults.add("status", code=403, route="settings.list")
    ran = invoke("start", experiment_id)
    assert ran.code == 0, ran.err
    assert service.status(experiment_id) == "running"


def test_pause_and_resume_read_nothing_more(service: Service, invoke: Invoke) -> None:
    """Only a start looks at targeting."""
    [experiment_id] = service.seed(1, "running")
    assert invoke("pause", experiment_id).code == 0
    assert service.emulator.log.received("settings.list") == 0


def test_a_start_warns_as_its_dry_run(service: Service, invoke: Invoke) -> None:
    """What a dry run would warn about is what the start itself warns about."""
    [experiment_id] = service.seed(1, variants=1)
    with_domains(service, "shop.example")
    with_rules(service, experiment_id, "https://other.example/")
    service.emulator.state.get(experiment_id).type = "personalization"
    report = invoke("start", experiment_id, "--dry-run", "--format", "json").json
    [outcome] = report["outcomes"]
    ran = invoke("start", experiment_id)
    assert f"warning: {experiment_id}: {outcome['note']}" in ran.err
