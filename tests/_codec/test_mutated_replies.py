"""Answers of every operation, changed as a growing service or a broken one may."""

import copy
from collections.abc import AsyncIterator
from random import Random
from typing import Any

import attrs
import orjson
import pytest
from aiohttp import web

from ours_experiments import (
    Client,
    DecodeError,
    DraftChanges,
    Experiment,
    ExperimentPatch,
    Results,
    SessionReplay,
    Settings,
    TimeSeries,
    Transition,
    Variant,
    VariantPatch,
    Version,
    VersionSnapshot,
)
from ours_experiments._codec.converter import decode
from ours_experiments._codec.hooks import ADDITIONAL_PROPERTIES
from ours_experiments._pagination import Position
from tests.support.growth import (
    NEW_MEANING,
    SAME_MEANING,
    Part,
    add_fields,
    all_places,
    damage,
    places_of,
    spelled,
)
from tests.support.operations import OPERATIONS, Operation
from tests.support.recorded_answers import record
from tests.support.server import serve


GROWN = 6_000
BROKEN = 2_000
WRITTEN_BACK = 300

LISTED: dict[str, type] = {
    "experiments.list": Experiment,
    "experiments.session_replays": SessionReplay,
    "settings.list": Settings,
    "variants.list": Variant,
    "versions.list": Version,
}
KINDS: dict[str, type] = {
    "experiments.results": Results,
    "experiments.results_time_series": TimeSeries,
    "experiments.winner": Experiment,
    "experiments.create": Experiment,
    "experiments.retrieve": Experiment,
    "experiments.update": Experiment,
    "versions.draft_changes": DraftChanges,
    "versions.changes": DraftChanges,
    "versions.snapshot": VersionSnapshot,
    "experiments": Transition,
    "variants": Variant,
    "settings": Settings,
    "versions": Version,
}
"""What an operation answers; by its resource where nothing else is said."""
WITHOUT_ANSWER = "experiments.delete"


def parts_of(name: str, payload: Any) -> list[Part]:
    """Tell what an answer is read as."""
    if name == WITHOUT_ANSWER:
        return []
    if name in LISTED:
        entities: Any = tuple.__class_getitem__((LISTED[name], ...))
        parts: list[Part] = [(entities, payload["entities"], "$.entities")]
        if "pagination" in payload:
            parts.append((Position, payload["pagination"], "$.pagination"))
        return parts
    return [(KINDS.get(name) or KINDS[name.partition(".")[0]], payload, "$")]


def known(value: Any) -> object:
    """Give everything of a result but the unknown keys that it keeps."""
    if isinstance(value, tuple):
        return [known(each) for each in value]
    if attrs.has(type(value)):
        return attrs.asdict(
            value, filter=lambda field, _: field.name != ADDITIONAL_PROPERTIES
        )
    return value


class Service:
    """A server that answers everything with what it is told to."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.body = b"null"

    async def call(self, operation: Operation, body: bytes) -> object:
        """Make a call that is answered with this body."""
        self.body = body
        return await operation.call(self.client, "exp_1")


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    """Serve, and speak to it."""

    async def answer(_: web.BaseRequest) -> web.Response:
        return web.Response(body=running.body, content_type="application/json")

    async with serve(answer) as client:
        running = Service(client)
        yield running


@pytest.fixture
async def store() -> AsyncIterator[tuple[dict[str, Any], Client]]:
    """Serve what is kept and keep what is sent, whole; and speak to it."""
    kept: dict[str, Any] = {}

    async def answer(request: web.BaseRequest) -> web.Response:
        if request.method == "PATCH":
            kept.update(orjson.loads(await request.read()))
        return web.Response(body=orjson.dumps(kept), content_type="application/json")

    async with serve(answer) as client:
        yield kept, client


async def test_every_operation_is_recorded() -> None:
    """Each operation has an answer of the emulator's, with something in it."""
    answers = await record()
    for operation in OPERATIONS:
        payloads = [orjson.loads(body) for body in answers[operation.name]]
        assert payloads
        if operation.name != WITHOUT_ANSWER:
            assert any(
                all_places(parts_of(operation.name, payload)) for payload in payloads
            ), operation.name


async def test_a_growing_service(service: Service) -> None:
    """New fields, words, orders and spellings never raise, and change nothing else."""
    random = Random(1)  # noqa: S311 - repeatable, not secret
    answers = await record()
    expected: dict[tuple[str, bytes], object] = {}
    compared = 0
    for number in range(GROWN):
        operation = OPERATIONS[number % len(OPERATIONS)]
        original = random.choice(answers[operation.name])
        key = operation.name, original
        if key not in expected:
            expected[key] = known(await service.call(operation, original))
        payload = orjson.loads(original)
        places = all_places(parts_of(operation.name, payload))
        renewed = random.random() < 0.5
        for grow in NEW_MEANING if renewed else ():
            grow(random, places)
        for grow in random.sample(SAME_MEANING, random.randint(1, len(SAME_MEANING))):
            grow(random, places)
        result = await service.call(operation, spelled(random, payload))
        if not renewed:
            assert known(result) == expected[key]
            compared += 1
    assert compared > GROWN / 3


async def test_a_broken_service(service: Service) -> None:
    """A wrong type or a missing field is a DecodeError with the field's own path."""
    random = Random(2)  # noqa: S311 - repeatable, not secret
    answers = await record()
    reads = [one for one in OPERATIONS if one.request.startswith("GET")]
    for number in range(BROKEN):
        operation = reads[number % len(reads)]
        payload = orjson.loads(random.choice(answers[operation.name]))
        places = all_places(parts_of(operation.name, payload))
        if not places:
            continue
        path = damage(random, places)
        with pytest.raises(DecodeError) as caught:
            await service.call(operation, orjson.dumps(payload))
        check_path(caught.value, path)


async def test_broken_answers_to_writes() -> None:
    """What writes answer is refused in the same way where it is decoded."""
    random = Random(3)  # noqa: S311 - repeatable, not secret
    answers = await record()
    writes = [one for one in OPERATIONS if not one.request.startswith("GET")]
    for number in range(BROKEN):
        name = writes[number % len(writes)].name
        payload = orjson.loads(random.choice(answers[name]))
        for kind, part, at in parts_of(name, payload):
            path = damage(random, [*places_of(kind, part, at)])
            with pytest.raises(DecodeError) as caught:
                decode(kind, part, at=at)
            check_path(caught.value, path)


def check_path(error: DecodeError, path: str) -> None:
    """Compare where an error sees a problem with where it is."""
    assert error.problems
    for problem in error.problems:
        assert problem.startswith((f"{path}: ", f"{path}.", f"{path}[")), path


async def test_unknown_keys_survive_read_and_patch(
    store: tuple[dict[str, Any], Client],
) -> None:
    """What is written back whole keeps every unknown key at every depth."""
    kept, client = store
    random = Random(4)  # noqa: S311 - repeatable, not secret
    answers = await record()
    for _ in range(WRITTEN_BACK):
        source = grown(random, Experiment, random.choice(answers["experiments.update"]))
        kept.clear()
        kept.update(copy.deepcopy(source))
        read = await client.experiments.retrieve("exp_1")
        assert read.targeting_rules is not None
        rules = attrs.evolve(read.targeting_rules, url_patterns=["/new"])
        await client.experiments.update(
            "exp_1", ExperimentPatch(targeting_rules=rules, metrics=read.metrics)
        )
        source["targetingRules"]["urlPatterns"] = ["/new"]
        assert kept == source


async def test_unknown_keys_of_modifications_survive(
    store: tuple[dict[str, Any], Client],
) -> None:
    """So do those of a variant's modifications."""
    kept, client = store
    random = Random(5)  # noqa: S311 - repeatable, not secret
    [body, *_] = (await record())["variants.create"]
    for _ in range(WRITTEN_BACK):
        source = grown(random, Variant, body)
        kept.clear()
        kept.update(copy.deepcopy(source))
        read = await client.variants.retrieve("var_1")
        assert read.dom_modifications
        first, *others = read.dom_modifications
        changed = [attrs.evolve(first, value="new"), *others]
        await client.variants.update("var_1", VariantPatch(dom_modifications=changed))
        source["domModifications"][0]["value"] = "new"
        assert kept == source


def grown(random: Random, kind: type, body: bytes) -> dict[str, Any]:
    """Add fields to an answer; nulls, which are not sent back, are left out."""
    payload: dict[str, Any] = orjson.loads(body)
    places = [*places_of(kind, payload, "$")]
    for place in places:
        if place.value is None:
            del place.owner[place.key]
    add_fields(random, places)
    return payload
