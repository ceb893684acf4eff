"""The pictures in the README, made by what they show.

`python -m tests.support.pictures` runs the real command line against the emulator and
records its terminal (`terminal.svg`), then plots what it showed (`results.png`), both
into the folder `.github`.
"""

import asyncio
import os
import re
import sys
from io import StringIO
from pathlib import Path

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
from ours_experiments.emulator import Emulator
from ours_experiments.plotting import plot_results, plot_time_series


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
    variants = [one.id async for one in client.variants.list(experiment_id)]
    emulator.simulate(
        experiment_id,
        days=14,
        visitors_per_day=3000,
        conversion_rates=dict(zip(variants, RATES, strict=True)),
        seed=4,
    )


async def said_by(emulator: Emulator, *arguments: str) -> Text:
    """Run a command as in a terminal, and give what it writes there."""
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
    said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()
    return Text.from_ansi(ERASED.sub("", said.decode()))


async def show_everything(console: Console) -> tuple[Results, TimeSeries]:
    """Use the command line, and give what it showed in the end."""
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
            console.print(await said_by(emulator, *arguments))

        await show("list", "--status", "draft")
        await show("start", "--status", "draft", "--yes")
        await visit(emulator, client, chosen)
        await show("results", chosen)
        return await asyncio.gather(
            client.experiments.results(chosen),
            client.experiments.results_time_series(chosen),
        )


def record(folder: Path = FOLDER) -> None:
    """Make both pictures."""
    folder.mkdir(exist_ok=True)
    console = Console(record=True, width=COLUMNS, file=StringIO())
    results, series = asyncio.run(show_everything(console))
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


if __name__ == "__main__":
    record()
