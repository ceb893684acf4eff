"""The clients that are installed."""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec

from benchmarks.measuring import OURS, Options
from benchmarks.peers import (
    Connected,
    Open,
    bare,
    connected,
    generated,
    ours,
    stainless,
    typescript,
)
from benchmarks.peers.typescript import TypeScript


BARE = "bare aiohttp"
GENERATED = "generated client"
STAINLESS = "Stainless"
STAINLESS_ON_AIOHTTP = "Stainless on aiohttp"
TYPESCRIPT = "TypeScript SDK"


def can_generate(options: Options) -> bool:
    """Return whether a client can be generated."""
    installed = find_spec("openapi_python_client") and find_spec("httpx")
    return options.document is not None and installed is not None


@contextmanager
def openers(options: Options) -> Iterator[Mapping[str, Open]]:
    """Provide a function that connects for each installed client, by its name."""
    with ExitStack() as stack:
        found: dict[str, Open] = {OURS: ours.connect, BARE: bare.connect}
        if can_generate(options):
            assert options.document is not None
            stack.enter_context(generated.generated(options.document))
            found[GENERATED] = generated.opener()
        if find_spec("ours_privacy"):
            found[STAINLESS] = stainless.opener(over_aiohttp=False)
            if find_spec("httpx_aiohttp"):
                found[STAINLESS_ON_AIOHTTP] = stainless.opener(over_aiohttp=True)
        yield found


@contextmanager
def connected_peers(options: Options, url: str) -> Iterator[Mapping[str, Connected]]:
    """Connect every installed client with a service."""
    with ExitStack() as stack:
        found = stack.enter_context(openers(options))
        yield {
            name: stack.enter_context(connected(opener, url))
            for name, opener in found.items()
        }


@contextmanager
def connected_typescript(options: Options, url: str) -> Iterator[TypeScript | None]:
    """Connect the TypeScript SDK; None where it or node is not installed."""
    modules = options.node_modules
    if modules and (modules / typescript.SDK).exists() and shutil.which("node"):
        with typescript.connected(modules, url) as process:
            yield process
    else:
        yield None
