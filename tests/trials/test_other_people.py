"""Slices of the trials in which somebody, or the service, acts otherwise."""

import pytest

from tests.support.clock import run_fast
from tests.trials import other_people, other_services


def test_another_person_is_neither_undone_nor_mistaken() -> None:
    """Whatever somebody does while a reply is lost, it stands, and is not ours."""
    count = run_fast(lambda: other_people.lifecycle_calls(2))
    assert count.keys() <= {"right", "unknown", "refused", "nobody acted"}
    assert count["right"] >= 50
    assert count["unknown"] >= 20


def test_another_publish_is_not_replaced() -> None:
    """A republish whose reply is lost does not replace what was published since."""
    count = run_fast(lambda: other_people.republishes(2))
    assert count.keys() <= {"right", "unknown", "refused"}
    assert count["right"] >= 8


@pytest.mark.parametrize("service", other_services.SERVICES)
def test_no_service_gets_a_create_twice(service: str) -> None:
    """However a service spells, counts time and lists: one create, one experiment."""
    options = other_services.SERVICES[service]
    count = run_fast(lambda: other_services.creates(40, 3, options))
    assert count["duplicates"] == count["wrong"] == count["shared"] == 0
    assert count["created"] >= 20
