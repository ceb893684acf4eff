"""The options of `emulator` for services that differ, each seen over the socket."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import attrs

from tests.cli.runner import COMMAND, environment


@attrs.frozen
class Answer:
    """What the served emulator answered."""

    status: int
    body: Any
    date: datetime


@attrs.frozen
class Served:
    """An emulator that the command serves in a process of its own."""

    url: str

    def send(self, method: str, path: str, body: object = None) -> Answer:
        """Send a request; an error status is an answer too."""
        request = Request(  # noqa: S310 - the emulator's own address
            f"{self.url}/rest/v1/{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Authorization": "Bearer test-key",
                "Content-Type": "application/json",
            },
        )
        try:
            with urlopen(request) as response:  # noqa: S310 - as above
                status, content = response.status, response.read()
                date = response.headers["Date"]
        except HTTPError as error:
            with error:
                status, content, date = error.code, error.read(), error.headers["Date"]
        return Answer(status, json.loads(content), parsedate_to_datetime(date))

    def first_id(self) -> str:
        """Return the id of an experiment."""
        experiment_id: str = self.send("GET", "experiments").body["entities"][0]["id"]
        return experiment_id

    def create(self, name: str, **fields: object) -> Answer:
        """Create an experiment in the settings of the first one."""
        settings = self.send("GET", "experiment-settings").body["entities"]
        settings_id = settings[0]["id"]
        draft = {"experimentSettingsId": settings_id, "name": name, **fields}
        return self.send("POST", "experiments", draft)


@contextmanager
def served(*options: str) -> Iterator[Served]:
    """Serve an emulator with options and eight experiments."""
    command = [*COMMAND, "emulator", "--port", "0", "--experiments", "8"]
    process = subprocess.Popen(  # noqa: S603 - our own command
        [*command, "--format", "jsonl", *options],
        stdout=subprocess.PIPE,
        env=environment(),
    )
    try:
        assert process.stdout is not None
        yield Served(json.loads(process.stdout.readline())["url"])
    finally:
        process.terminate()
        process.communicate()


def test_a_service_that_answers_400() -> None:
    """`--conflict-status 400` refuses a transition with 400, otherwise with 409."""
    for options, status in (((), 409), (("--conflict-status", "400"), 400)):
        with served(*options) as emulator:
            path = f"experiments/{emulator.first_id()}/resume"
            assert emulator.send("POST", path).status == status


def test_a_service_that_changes_names_and_keys() -> None:
    """Names and keys are changed by the rules, in their order."""
    options = ("--normalize-names", "trim", "cut:4", "--normalize-keys", "casefold")
    with served(*options, "--unique-keys") as emulator:
        created = emulator.create("  Summer sale ", key="SUMMER")
        assert (created.body["name"], created.body["key"]) == ("Summ", "summer")
        assert emulator.create("Other", key="Summer").status == 409


def test_a_service_whose_listing_lags() -> None:
    """With `--list-delay` a listing does not hold what was just created."""
    with served("--list-delay", "600") as emulator:
        created = emulator.create("New").body["id"]
        rows = emulator.send("GET", "experiments?limit=100").body["entities"]
        assert created not in {row["id"] for row in rows}
        assert emulator.send("GET", f"experiments/{created}").status == 200


def test_a_service_with_another_clock() -> None:
    """With `--clock-skew` times run behind the `Date` header."""
    with served("--clock-skew", "-900") as emulator:
        created = emulator.create("New")
        assert created.status == 200
        at = datetime.fromisoformat(created.body["createdAt"])
        assert 880 < (created.date - at).total_seconds() < 920


def test_a_key_with_fewer_scopes() -> None:
    """`--scopes` takes a named set, or the documented scopes themselves."""
    with served("--scopes", "read-only") as emulator:
        assert (
            emulator.send("DELETE", f"experiments/{emulator.first_id()}").status == 403
        )
    with served("--scopes", "experiment:list", "experiment:delete") as emulator:
        experiment_id = emulator.first_id()
        assert emulator.send("GET", f"experiments/{experiment_id}").status == 403
        assert emulator.send("DELETE", f"experiments/{experiment_id}").status == 200


def test_the_first_version_of_the_api() -> None:
    """`--api initial` knows no versions; `--id-style` and `--cursor` arrive too."""
    options = ("--api", "initial", "--id-style", "uuid", "--cursor", "offset")
    with served(*options) as emulator:
        assert emulator.send("GET", "versions").status == 404
        assert emulator.first_id().count("-") == 4
