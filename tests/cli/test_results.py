"""Results and series: figures, charts, pictures, and watching them."""

from collections.abc import Callable
from pathlib import Path

import pytest
from rich.table import Table

from ours_experiments import Client, RetryPolicy
from ours_experiments.cli.commands.watch import poll
from ours_experiments.cli.context import Context
from ours_experiments.cli.output import image_files as _figures
from ours_experiments.cli.output.results_table import probability_bar, results_table
from ours_experiments.cli.output.terminal import open_console
from ours_experiments.emulator import Emulator
from ours_experiments.models import Results, VariantResult
from tests.cli.runner import Ran, Service, Terminal


Invoke = Callable[..., Ran]


def result_of(name: str, share: float, *, is_control: bool = False) -> VariantResult:
    """Make the result of a variant."""
    return VariantResult(
        id=f"id of {name}",
        name=name,
        is_control=is_control,
        impressions=0,
        conversions=0,
        conversion_rate=0.0,
        probability_to_be_best=share,
    )


@pytest.mark.parametrize(
    ("share", "drawn"),
    [
        pytest.param(0.0, "...................." + "   0.0%", id="none"),
        pytest.param(0.5, "##########.........." + "  50.0%", id="half"),
        pytest.param(1.0, "####################" + " 100.0%", id="certain"),
        pytest.param(1.5, "####################" + " 150.0%", id="beyond"),
    ],
)
def test_a_bar_is_as_long_as_its_share(share: float, drawn: str) -> None:
    """A bar has its share of the cells, and its number."""
    assert probability_bar(share, 20, ascii_only=True).plain == drawn


def test_a_table_without_variants_is_empty() -> None:
    """Results of nothing are a table without rows."""
    table = results_table(Results(()), 100)
    assert isinstance(table, Table)
    assert table.row_count == 0


def test_results_name_the_control(service: Service, invoke: Invoke) -> None:
    """The control is marked, unless its name says it already."""
    experiment_id = service.with_traffic()
    control, _ = service.emulator.state.get(experiment_id).variants
    assert "(control)" not in invoke("results", experiment_id).out
    control.name = "Now"
    assert "Now (control)" in invoke("results", experiment_id).out


def test_results_without_impressions_have_no_interval(
    service: Service, invoke: Invoke
) -> None:
    """Before anybody came there are zeros, and no interval."""
    [experiment_id] = service.seed(1)
    ran = invoke("results", experiment_id)
    assert ran.code == 0
    assert "0.00%" in ran.out
    assert "to" not in ran.out.splitlines()[1].split()


def test_results_of_another_event(service: Service, invoke: Invoke) -> None:
    """`--event` chooses what counts as a conversion."""
    experiment_id = service.with_traffic()
    rows = invoke("results", experiment_id, "--event", "other", "--format", "json").json
    assert {row["conversions"] for row in rows} == {0}


def test_a_series_keeps_to_its_days(service: Service, invoke: Invoke) -> None:
    """`--start-date` and `--end-date` cut the series, both included."""
    experiment_id = service.with_traffic(days=10)
    days = [
        row["date"]
        for row in invoke("series", experiment_id, "--format", "jsonl").lines[::2]
    ]
    assert len(days) == 10
    cut = invoke(
        *("series", experiment_id, "--format", "jsonl"),
        *("--start-date", days[2], "--end-date", days[4]),
    ).lines
    assert [row["date"] for row in cut[::2]] == days[2:5]


def test_a_series_that_ends_before_it_begins_is_refused(invoke: Invoke) -> None:
    """Days the wrong way round are a usage error."""
    ran = invoke(
        "series", "x", "--start-date", "2026-08-02", "--end-date", "2026-08-01"
    )
    assert ran.code == 2


def test_a_series_names_the_variants_with_their_totals(
    service: Service, invoke: Invoke
) -> None:
    """The legend has the whole run's figures."""
    experiment_id = service.with_traffic()
    rows = invoke("results", experiment_id, "--format", "json").json
    shown = invoke("series", experiment_id).out
    for row in rows:
        counts = f"({row['conversions']:,} of {row['impressions']:,})"
        assert f"{row['name']}: {row['conversion_rate']:.2%} {counts}" in shown


@pytest.mark.parametrize("name", ["picture.png", "picture.SVG", "picture.pdf"])
@pytest.mark.parametrize("command", ["results", "series"])
def test_pictures_are_saved(
    service: Service, invoke: Invoke, tmp_path: Path, command: str, name: str
) -> None:
    """The picture has the format that its name tells."""
    ran = invoke(command, service.with_traffic(), "--plot", tmp_path / name)
    assert ran.code == 0, ran.err
    begins = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}
    saved = (tmp_path / name).read_bytes()
    assert saved.startswith(begins[name[-3:].lower()])
    assert "saved" in ran.err


@pytest.mark.parametrize(
    ("name", "code"),
    [
        pytest.param("picture.gif", 2, id="format"),
        pytest.param("none/picture.png", 3, id="folder"),
    ],
)
@pytest.mark.parametrize("command", ["results", "series"])
def test_a_picture_that_cannot_be_saved_is_refused_first(
    service: Service, invoke: Invoke, command: str, name: str, code: int
) -> None:
    """A bad `--plot` is told before anything is asked for."""
    ran = invoke(command, "exp_1", "--plot", name)
    assert ran.code == code
    assert f"--plot {name}" in ran.err
    assert service.emulator.log.received() == 0


def test_a_picture_over_a_folder_is_told(
    service: Service, invoke: Invoke, tmp_path: Path
) -> None:
    """What the system refuses is one line."""
    (tmp_path / "folder.png").mkdir()
    ran = invoke("results", service.with_traffic(), "--plot", tmp_path / "folder.png")
    assert ran.code == 3
    assert "cannot be written" in ran.err


def test_without_matplotlib_a_picture_is_refused(
    invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where matplotlib is not installed, the extra is named."""
    monkeypatch.setattr(_figures, "find_spec", lambda _: None)
    ran = invoke("results", "exp_1", "--plot", tmp_path / "picture.png")
    assert ran.code == 3
    assert "extra `plot`" in ran.err


@pytest.mark.parametrize("style", ["table", "json", "jsonl", "csv"])
def test_watching_writes_where_it_cannot_draw(
    service: Service, invoke: Invoke, style: str
) -> None:
    """Without a terminal each look is written in the chosen format."""
    experiment_id = service.with_traffic()
    ran = invoke(
        *("watch", experiment_id, "--until-probability", "0.1", "--format", style)
    )
    assert ran.code == 0, ran.err
    assert "Control" in ran.out
    if style in {"json", "jsonl"}:
        [look] = ran.lines
        assert len(look["variants"]) == 2


@pytest.mark.parametrize(
    ("options", "enough"),
    [
        pytest.param(("--until-probability", "0.1"), True, id="probable"),
        pytest.param(
            ("--until-probability", "0.1", "--min-impressions", "999999"),
            False,
            id="too-few",
        ),
        pytest.param(("--until-probability", "1.0"), False, id="not-probable"),
    ],
)
def test_watching_ends_when_it_is_clear(
    service: Service, invoke: Invoke, options: tuple[str, ...], *, enough: bool
) -> None:
    """A watch goes on until both conditions are met."""
    experiment_id = service.with_traffic()
    gone = "experiments.results"
    service.emulator.faults.add("status", code=404, route=gone, after=3)
    ran = invoke("watch", experiment_id, "--interval", "0.01", *options)
    assert ran.code == (0 if enough else 5)
    assert service.emulator.log.received(gone) == (1 if enough else 4)


async def test_watching_outlives_a_failure_that_passes(
    emulator: Emulator, client: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    """A failure of the service is told, and the next look follows."""
    [experiment_id] = emulator.seed_experiments(1, status="running")
    emulator.faults.add("status", code=503, route="experiments.results", times=1)
    once = client.with_options(retry=RetryPolicy(attempts=1))
    context = Context(open_console(), open_console(stderr=True))
    found = poll(once, experiment_id, None, 0.001, context)
    _, results, _ = await anext(found)
    assert len(results.variants) == 2
    assert "503" in capsys.readouterr().err


def test_watching_in_a_terminal_draws_in_place(service: Service) -> None:
    """In a terminal the table is redrawn until Ctrl-C, which is code 130."""
    experiment_id = service.with_traffic()
    terminal = Terminal(
        *("watch", experiment_id, "--interval", "0.05"), env=service.environment
    )
    terminal.wait_for("probability to be best")
    while service.emulator.log.received("experiments.results") < 3:
        terminal.read(0.05)
    terminal.interrupt()
    assert terminal.end() == 130
    assert "\x1b[1A" in terminal.screen
    assert "Traceback" not in terminal.screen


def test_watching_in_a_terminal_ends_when_it_is_clear(service: Service) -> None:
    """The last look stays on the screen."""
    experiment_id = service.with_traffic()
    terminal = Terminal(
        *("watch", experiment_id, "--until-probability", "0.1"),
        env=service.environment,
    )
    assert terminal.end() == 0
    assert "Control" in terminal.screen


@pytest.mark.parametrize(
    ("time", "later"),
    [
        ("T23:30:00-05:00", 1),
        ("T00:30:00+02:00", -1),
        ("T23:30:00Z", 0),
        ("T23:30:00", 0),
        ("", 0),
    ],
)
def test_a_time_with_an_offset_means_its_day_in_utc(
    service: Service, invoke: Invoke, time: str, later: int
) -> None:
    """As in the library, a time with an offset is the day that UTC has then."""
    experiment_id = service.with_traffic(days=10)
    lines = invoke("series", experiment_id, "--format", "jsonl").lines
    days = [row["date"] for row in lines[::2]]
    for option, expected in (
        ("--start-date", days[4 + later :]),
        ("--end-date", days[: 5 + later]),
    ):
        ran = invoke(
            *("series", experiment_id, "--format", "jsonl"),
            *(option, f"{days[4]}{time}"),
        )
        assert ran.code == 0, ran.err
        assert [row["date"] for row in ran.lines[::2]] == expected
