"""The pictures of the pages, made by what they show.

`python -m tests.support.pictures` runs the real command line against the emulator and
records its terminal (`terminal.svg`), then plots what it showed (`results.png` and
`lift.png`), all into the folder `.github`.
"""

import asyncio
import contextlib
import os
import re
import sys
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory

import attrs
import matplotlib as mpl
from matplotlib import pyplot as plt
from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.text import Text

from ours_experiments import (
    Client,
    Metric,
    Metrics,
    NewExperiment,
    NewSettings,
    NewVariant,
    Results,
    TimeSeries,
)
from ours_experiments.analysis import Analysis
from ours_experiments.emulator import Emulator
from ours_experiments.plotting import plot_lift, plot_results, plot_time_series
from ours_experiments.specs import ExperimentSpec, dump_specs


FOLDER = Path(__file__).parents[2] / ".github"
COLUMNS = 100
NAMES = ("Checkout button", "Hero headline", "Pricing headline", "Trial banner")
MEASURED = NAMES[2]
RATES = (0.101, 0.112, 0.124)
"""Of the control and of the two treatments."""
# The picture has to look alike without any font from elsewhere.
FORMAT = re.sub(r"@font-face \{\{.*?\}\}", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)

ERASED = re.compile(r"[^\n]*(\n(\x1b\[\?25h)?\r\x1b\[1A|\r)\x1b\[2K")
"""Lines that a terminal has shown for a moment."""


async def make_experiments(client: Client) -> str:
    """Fill an account, and give the experiment that is to be measured."""
    settings = await client.settings.create(NewSettings(name="Shop"))
    metrics = Metrics(primary=Metric("demo_requested"))
    chosen = ""
    for name in NAMES:
        made = await client.experiments.create(
            NewExperiment(settings.id, name, metrics=metrics)
        )
        for treatment in ("Benefit first", "Question"):
            await client.variants.create(
                NewVariant(made.id, treatment, 33, redirect_url=f"/{treatment[:1]}")
            )
        chosen = made.id if name == MEASURED else chosen
    return chosen


async def visit(emulator: Emulator, client: Client, experiment_id: str) -> None:
    """Let visitors come."""
    variants = [variant.id async for variant in client.variants.list(experiment_id)]
    emulator.simulate(
        experiment_id,
        days=14,
        visitors_per_day=3000,
        conversion_rates=dict(zip(variants, RATES, strict=True)),
        seed=4,
    )


async def output_of(emulator: Emulator, *arguments: str) -> Text:
    """Run a command as in a terminal, and return what it writes there."""
    environment = {
        **os.environ,
        "OURS_PRIVACY_API_KEY": emulator.api_key,
        "OURS_PRIVACY_PLATFORM_BASE_URL": emulator.url,
        "COLUMNS": str(COLUMNS),
        "FORCE_COLOR": "1",
        "COLORTERM": "truecolor",
        "TERM": "xterm-256color",
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "ours_experiments.cli",
        *arguments,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()
    return Text.from_ansi(ERASED.sub("", output.decode()))


async def write_specs(client: Client, folder: str) -> None:
    """Write what exists as files, in which one experiment takes half of the traffic."""
    specs = [
        attrs.evolve(spec, traffic_allocation=50)
        if spec.name == MEASURED
        else attrs.evolve(spec, state="paused")
        for spec in await client.export(keys=["hero-headline", "pricing-headline"])
    ]
    specs.append(ExperimentSpec(key="footer-links", name="Footer links"))
    dump_specs(specs, folder)


async def show_everything(
    console: Console,
) -> tuple[Results, TimeSeries, Analysis]:
    """Use the command line, and return what it showed in the end."""
    async with (
        Emulator(seed=4) as emulator,
        Client(emulator.api_key, base_url=emulator.url) as client,
    ):
        chosen = await make_experiments(client)

        async def show(*arguments: str) -> None:
            console.print(
                Text.assemble(
                    ("$ ", "green"), f"ours-experiments {' '.join(arguments)}"
                )
            )
            console.print(await output_of(emulator, *arguments))

        await show("list", "--status", "draft")
        await show("start", "--status", "draft", "--yes")
        await visit(emulator, client, chosen)
        await show("results", chosen)
        await show("analyze", chosen)
        with TemporaryDirectory() as folder:
            path = Path(folder) / "experiments"
            await write_specs(client, str(path))
            with contextlib.chdir(folder):
                await show("plan", "experiments/")
        return await asyncio.gather(
            client.experiments.results(chosen),
            client.experiments.results_time_series(chosen),
            client.experiments.analyze(chosen),
        )


def record(folder: Path = FOLDER) -> None:
    """Make the pictures."""
    folder.mkdir(exist_ok=True)
    console = Console(record=True, width=COLUMNS, file=StringIO())
    results, series, analysis = asyncio.run(show_everything(console))
    console.save_svg(
        str(folder / "terminal.svg"),
        title="ours-experiments",
        code_format=FORMAT,
        unique_id="terminal",
    )
    mpl.use("Agg")
    figure = plt.figure(figsize=(7.2, 5.0), layout="constrained")
    parts = figure.subfigures(2, 1, squeeze=False, height_ratios=(2, 3))
    above, below = (part.subplots() for part in parts.flat)
    plot_results(results, axes=above)
    names = {row.id: row.name for row in results.variants}
    plot_time_series(series, cumulative=True, names=names, axes=below)
    figure.savefig(folder / "results.png", dpi=110)
    figure = plt.figure(figsize=(7.2, 3.6), layout="constrained")
    plot_lift(analysis, axes=figure.subplots())
    figure.savefig(folder / "lift.png", dpi=110)


if __name__ == "__main__":
    record()
