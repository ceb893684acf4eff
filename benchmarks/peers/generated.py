"""The client that openapi-python-client generates from the vendor's document."""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from importlib import import_module, invalidate_caches
from pathlib import Path
from typing import Any

import attrs
import orjson

from benchmarks.peers import KEY, PAGE, Open
from benchmarks.peers.translated import Decode


PACKAGE = "generated_experiments_client"


@attrs.frozen
class Generated:
    """The generated client and the two operations that are measured."""

    client: Any
    list_experiments: Any
    start_experiment: Any
    body: Any

    async def start(self, experiment_id: str) -> str:
        """Start an experiment."""
        answer = await self.start_experiment.asyncio(
            experiment_id, client=self.client, body=self.body
        )
        return str(answer.publish_status.value)

    async def experiments(self) -> AsyncIterator[object]:
        """Iterate over pages by hand: the generated client has no pagination."""
        more: dict[str, str] = {}
        while True:
            page = await self.list_experiments.asyncio(
                client=self.client, limit=PAGE, **more
            )
            for entity in page.entities:
                yield entity
            if not page.pagination.has_more:
                return
            more = {"cursor": page.pagination.next_cursor}


@contextmanager
def generated(document: Path) -> Iterator[None]:
    """Generate the client into a temporary folder, from which it can be imported."""
    with tempfile.TemporaryDirectory() as folder:
        tool = shutil.which(
            "openapi-python-client", path=str(Path(sys.executable).parent)
        )
        assert tool is not None
        target = Path(folder) / PACKAGE
        subprocess.run(  # noqa: S603 - the tool of this environment
            [
                tool,
                "generate",
                *("--path", str(document), "--output-path", str(target)),
                *("--meta", "none"),
            ],
            check=True,
            capture_output=True,
        )
        sys.path.insert(0, folder)
        invalidate_caches()
        try:
            yield
        finally:
            sys.path.remove(folder)
            for name in [name for name in sys.modules if name.startswith(PACKAGE)]:
                del sys.modules[name]


def opener() -> Open:
    """Return a function that connects, with the generator's default settings."""
    client: Any = import_module(f"{PACKAGE}.client")
    operations = f"{PACKAGE}.api.experiments"
    listing: Any = import_module(f"{operations}.list_experiments")
    starting: Any = import_module(f"{operations}.start_experiment")
    models: Any = import_module(f"{PACKAGE}.models")

    @asynccontextmanager
    async def connect(url: str) -> AsyncIterator[Generated]:
        async with client.AuthenticatedClient(base_url=url, token=KEY) as opened:
            yield Generated(opened, listing, starting, models.StartExperimentBody())

    return connect


def decoder() -> Decode:
    """Return a function from bytes to objects, with the faster JSON library."""
    models: Any = import_module(f"{PACKAGE}.models")
    build = models.ListExperimentsResponse200.from_dict
    return lambda page: build(orjson.loads(page))
