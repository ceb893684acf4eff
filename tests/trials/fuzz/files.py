"""What is read from files: journals, drafts, lists of ids."""

import json
import os
import string
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from random import Random

import orjson
from rich.console import Console

from ours_experiments._codec.converter import encode
from ours_experiments._codec.hooks import wire_name
from ours_experiments._codec.json_bytes import dumps
from ours_experiments.bulk.journal import Header, Journal
from ours_experiments.bulk.outcomes import SUCCEEDED
from ours_experiments.cli.context import Context
from ours_experiments.cli.input_files import build_draft, read_fields
from ours_experiments.cli.selection import IdSource
from ours_experiments.drafts import (
    ExperimentPatch,
    NewExperiment,
    NewSettings,
    NewVariant,
    SettingsPatch,
    VariantPatch,
)
from ours_experiments.errors import ConfigurationError
from ours_experiments.models import Experiment, Settings, Variant
from tests.trials.fuzz.examples import examples
from tests.trials.fuzz.mutations import (
    NAMES,
    any_value,
    hostile_bytes,
    hostile_json,
)


HEADER = Header("start", "0123456789abcdef", "once")
STATUSES = ("applied", "already", "staged", "failed", "unknown", "not_attempted")
LASTING = frozenset(status.value for status in SUCCEEDED)


def draw_journal(random: Random) -> bytes:
    """Draw the bytes of a journal: edited, torn, or of something else."""
    lines = [orjson.dumps(entry(random)) for _ in range(random.randrange(8))]
    content = HEADER.to_line() + b"".join(line + b"\n" for line in lines)
    match random.randrange(8):
        case 0:
            return hostile_bytes(random, content)
        case 1 | 2:
            return content[: random.randrange(len(content) + 1)]
        case 3 | 4:
            first = HEADER.to_line()
            return first + hostile_bytes(random, content[len(first) :])
        case 5:
            line = random.choice(lines or [b"{}"])
            edited = orjson.dumps(hostile_json(random, orjson.loads(line)))
            return content + edited + random.choice((b"\n", b"\r\n", b""))
        case 6:
            return random.randbytes(random.randrange(64))
        case _:
            return content


def entry(random: Random) -> dict[str, object]:
    """Draw one entry."""
    name = random.choice("abcdé")
    match random.randrange(5):
        case 0:
            return {"begun": name}
        case 1:
            return {"begun": name, "at": random.uniform(0, 4e9)}
        case 2:
            return {"publishing": name}
        case 3:
            return {"published": name}
        case _:
            return {"id": name, "status": random.choice(STATUSES), "attempts": 1}


def journal_judge(folder: Path) -> Callable[[bytes], str]:
    """Make the judge of journals, which lie in a folder."""
    path = folder / "journal"

    def judge(content: bytes) -> str:
        """It is refused and left alone, or holds no more than was written whole."""
        path.write_bytes(content)
        try:
            journal = Journal.open_here(path, HEADER)
        except ConfigurationError:
            assert path.read_bytes() == content, "a refused file was changed"
            return "refused"
        journal.close()
        after = path.read_bytes()
        if not content.startswith(after):
            assert HEADER.to_line().startswith(content.rstrip(b"\0"))
            assert after == HEADER.to_line()
            assert not journal.states
            return "started anew"
        cut = content[len(after) :].split(b"\n")[:-1]
        assert all(b"\0" in line for line in cut), "more than a torn end"
        lines = after.split(b"\n")[1:-1]
        written = [json.loads(line.lstrip(b"\0")) for line in lines]
        latest: dict[str, str] = {}
        for row in written:
            if "begun" in row:
                if latest.get(row["begun"]) not in LASTING:
                    latest[row["begun"]] = "unknown"
            elif row.keys() >= {"id", "status"}:
                latest[row["id"]] = row["status"]
        read = {name: journal.status_of(name) for name in journal.states}
        assert read.keys() == latest.keys(), "an id was lost"
        for name, status in read.items():
            last = latest[name]
            assert status in ({last, "applied"} if last == "staged" else {last})
            assert (journal.sent_at(name) is None) == (last != "unknown")
        return "read"

    return judge


DRAFTS = (
    (NewExperiment, Experiment),
    (ExperimentPatch, Experiment),
    (NewVariant, Variant),
    (VariantPatch, Variant),
    (NewSettings, Settings),
    (SettingsPatch, Settings),
)


def draw_draft(random: Random) -> tuple[int, bytes]:
    """Draw a file of fields, and which draft it is meant for."""
    number = random.randrange(len(DRAFTS))
    draft, model = DRAFTS[number]
    known = [field.name for field in draft.__attrs_attrs__]
    source = orjson.loads(next(body for kind, body in examples() if kind is model))
    fields = {}
    for name in random.sample(known, random.randint(1, len(known))):
        spelled = name if random.random() < 0.5 else wire_name(name)
        fields[spelled] = source.get(wire_name(name), "x")
    if random.random() < 0.05:
        fields[random.choice(NAMES)] = any_value(random)
    body = orjson.dumps(fields)
    way = random.random()
    if way < 0.5:
        body = orjson.dumps(hostile_json(random, fields))
    return number, body if 0.1 < way < 0.8 else hostile_bytes(random, body)


def draft_judge(folder: Path) -> Callable[[tuple[int, bytes]], str]:
    """Make the judge of files with drafts, which lie in a folder."""
    path = folder / "draft.json"
    silent = Console(file=StringIO(), quiet=True)
    context = Context(out=silent, err=silent)

    def judge(drawn: tuple[int, bytes]) -> str:
        """It is refused, or a draft that can be sent."""
        number, content = drawn
        draft, model = DRAFTS[number]
        path.write_bytes(content)
        try:
            built = build_draft(draft, read_fields(context, path, draft, model))
        except ConfigurationError:
            return "refused"
        dumps(encode(built))
        return "draft"

    return judge


def draw_ids(random: Random) -> bytes:
    """Draw a file of ids."""
    lines = [
        "".join(random.choices(string.ascii_letters + "#- ", k=random.randrange(6)))
        for _ in range(random.randrange(6))
    ]
    content = random.choice(("\n", "\r\n", "\r")).join(lines).encode()
    return content if random.random() < 0.3 else hostile_bytes(random, content)


def ids_judge(folder: Path) -> Callable[[bytes], str]:
    """Make the judge of files with ids, which lie in a folder."""
    path = folder / "ids"

    def judge(content: bytes) -> str:
        """It is refused, or a list of ids without blanks around them."""
        path.write_bytes(content)
        try:
            found = IdSource(from_file=path).read()
        except ConfigurationError:
            return "refused"
        assert all(name == name.strip() != "" for name in found)
        assert not any(name.startswith("#") or os.linesep in name for name in found)
        return "ids"

    return judge
