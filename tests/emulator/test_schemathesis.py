"""Schemathesis's own requests, made from the vendor's OpenAPI document.

The document is found by the environment variable OURS_OPENAPI.
"""

import asyncio
import json
import os
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from ours_experiments.emulator import Emulator


DOCUMENT = os.environ.get("OURS_OPENAPI")
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "unsupported_method",
    "ignored_auth",
)

pytestmark = [
    pytest.mark.skipif(not DOCUMENT, reason="OURS_OPENAPI does not name a document"),
    pytest.mark.skipif(
        find_spec("schemathesis") is None, reason="schemathesis is not installed"
    ),
]


def with_conflicts() -> str:
    """Return the document with the 409s that it describes in words alone."""
    document = json.loads(Path(DOCUMENT or "").read_text("utf-8"))
    for operations in document["paths"].values():
        for operation in operations.values():
            responses = operation["responses"]
            responses.setdefault("409", responses["400"])
    return json.dumps(document)


async def test_finds_nothing_undocumented(tmp_path: Path) -> None:
    """Requests made from the document get only documented answers."""
    (tmp_path / "openapi.json").write_text(with_conflicts(), "utf-8")
    async with Emulator() as emulator:
        for status in ("draft", "running", "paused", "completed"):
            emulator.seed_experiments(2, status=status)
        run = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "schemathesis.cli", "run", "openapi.json"),
            *("--url", emulator.url, "--no-color", "--seed", "1"),
            *("--header", f"Authorization: Bearer {emulator.api_key}"),
            *("--max-examples", "10", "--checks", ",".join(CHECKS)),
            cwd=tmp_path,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            async with asyncio.timeout(120):
                output, _ = await run.communicate()
        except TimeoutError:
            run.kill()
            raise
        assert run.returncode == 0, output.decode()
        assert emulator.log.received() > 500
