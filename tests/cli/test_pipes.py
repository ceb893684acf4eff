"""Output that is no terminal: texts as they were, and nothing cut off."""

import csv
import io

import pytest

from tests.cli.runner import Invoke, Service, Terminal, process


NAMES = (
    "two\nlines",
    "carriage\rreturn",
    r"two\x0alines",
    "\U0001f469\u200d\U0001f4bb developers",
    "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
    'soft\u00adhyphen, "quoted"',
    "=1+1",
    "\x1b[2J",
)


@pytest.fixture
def named(service: Service) -> list[str]:
    """Create experiments with names that a terminal would act upon."""
    ids = service.seed(len(NAMES))
    for experiment_id, name in zip(ids, NAMES, strict=True):
        service.rename(experiment_id, name)
    return ids


@pytest.mark.parametrize(
    ("style", "encoding"),
    [
        *(("csv", encoding) for encoding in ("utf-8", "ascii", "cp1252")),
        ("json", "ascii"),
        ("jsonl", "cp1252"),
    ],
)
def test_programs_get_texts_as_they_were(
    service: Service, named: list[str], style: str, encoding: str
) -> None:
    """CSV and JSON in a pipe are UTF-8 and hold every text unchanged."""
    env = {**service.environment, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
    ran = process("list", "--all", "--format", style, env=env)
    assert ran.code == 0, ran.err
    if style == "csv":
        rows = list(csv.DictReader(io.StringIO(ran.out, newline="")))
    else:
        rows = ran.json if style == "json" else ran.lines
    names = {row["id"]: row["name"] for row in rows}
    assert names == dict(zip(named, NAMES, strict=True))


def test_a_pipe_of_json_has_no_escapes_that_json_does_not_need(
    service: Service,
) -> None:
    r"""Only a terminal needs `\u200c`: a search in a pipe finds the text itself."""
    service.rename(service.seed(1)[0], NAMES[4])
    for style in ("json", "jsonl"):
        ran = process("list", "--format", style, env=service.environment)
        assert NAMES[4] in ran.out


@pytest.mark.parametrize("style", ["csv", "json", "jsonl", "table"])
def test_a_terminal_gets_escapes(
    service: Service, named: list[str], style: str
) -> None:
    """On a terminal no format lets a name act upon it."""
    terminal = Terminal(
        "list", "--all", "--format", style, env=service.environment, columns=200
    )
    assert terminal.end() == 0
    assert named[0] in terminal.screen
    assert "\x1b[2J" not in terminal.screen
    assert "\u200c" not in terminal.screen
    if style in {"json", "jsonl"}:
        assert "\\u001b[2J" in terminal.screen


@pytest.mark.parametrize("columns", ["0", "", "80", "none"])
def test_a_pipe_has_no_width(
    service: Service, invoke: Invoke, monkeypatch: pytest.MonkeyPatch, columns: str
) -> None:
    """A pipe gets every column and every character, whatever COLUMNS is."""
    experiment_id = service.with_traffic()
    service.rename(experiment_id, "N" * 300)
    for words, parts in (
        (("list",), ("N" * 300, "updated at", "type")),
        (("results", experiment_id), ("95 % interval", "░" * 5)),
        (("get", experiment_id), ("N" * 300,)),
        (("series", experiment_id), ("Control: ",)),
    ):
        monkeypatch.setenv("COLUMNS", columns)
        ran = invoke(*words)
        assert ran.code == 0, ran.err
        assert all(part in ran.out for part in parts), words


def test_a_process_in_a_pipe_has_no_width(service: Service) -> None:
    """A process that writes to a pipe cuts nothing off."""
    experiment_id = service.with_traffic()
    service.rename(experiment_id, "N" * 300)
    ran = process("get", experiment_id, env={**service.environment, "COLUMNS": "80"})
    assert ran.code == 0, ran.err
    assert "N" * 300 in ran.out


@pytest.mark.parametrize("columns", ["0", "", "none"])
def test_a_terminal_ignores_a_width_that_is_none(
    service: Service, columns: str
) -> None:
    """With COLUMNS empty or 0 a terminal's own width counts, also for help."""
    experiment_id = service.with_traffic()
    env = {**service.environment, "COLUMNS": columns}
    terminal = Terminal("results", experiment_id, env=env, columns=100)
    assert terminal.end() == 0
    assert "95 % interval" in terminal.screen
    assert len(terminal.lines) < 6
    terminal = Terminal("list", "--help", env=env, columns=100)
    assert terminal.end() == 0
    assert "Only experiments in this state." in terminal.screen


@pytest.mark.parametrize("command", ["results", "watch"])
def test_80_columns_keep_the_interval(service: Service, command: str) -> None:
    """At 80 columns the bar gives way to the interval, and that is said."""
    experiment_id = service.with_traffic()
    more = ("--until-probability", "0.1") if command == "watch" else ()
    terminal = Terminal(
        command, experiment_id, *more, env=service.environment, columns=80
    )
    assert terminal.end() == 0
    assert "95 % interval" in terminal.screen
    assert "not shown, too narrow: bars" in terminal.screen
    rows = [line for line in terminal.lines if line.startswith(("Control", "Variant"))]
    assert all("% to " in row for row in rows[:2])
    assert max(map(len, terminal.lines)) <= 80


def test_60_columns_say_what_is_left_out(service: Service) -> None:
    """In a narrower terminal the interval goes too, and that is said."""
    experiment_id = service.with_traffic()
    terminal = Terminal("results", experiment_id, env=service.environment, columns=60)
    assert terminal.end() == 0
    assert "not shown, too narrow: 95 % interval, bars" in terminal.screen
    assert max(map(len, terminal.lines)) <= 60


def test_ids_are_a_format_of_lists(service: Service) -> None:
    """`--format ids` writes one id per line, which `start -` reads."""
    ids = service.seed(3)
    ran = process("list", "--all", "--format", "ids", env=service.environment)
    assert sorted(ran.out.split("\n")) == ["", *sorted(ids)]
    started = process("start", "-", env=service.environment, stdin=ran.out)
    assert started.code == 0, started.err
    variants = process(
        "variants", "list", ids[0], "--format", "ids", env=service.environment
    )
    assert variants.out.split() == service.variant_ids(ids[0])


@pytest.mark.parametrize(
    "words", [("start", "exp_1"), ("results", "exp_1"), ("watch", "exp_1")]
)
def test_ids_are_a_format_of_nothing_else(
    service: Service, words: tuple[str, ...]
) -> None:
    """A command that lists nothing refuses `--format ids` before it sends anything."""
    ran = process(*words, "--format", "ids", env=service.environment)
    assert ran.code == 2
    assert "--format ids" in ran.err
    assert service.emulator.log.received() == 0
