"""Hints that fit the command, and proxies."""

import socket
import sys
import threading

import pytest

from tests.cli.runner import Invoke, Ran, Service, environment, process


def hint_of(ran: Ran) -> str:
    """Return the hint of an error."""
    return ran.err.partition("; hint: ")[2]


@pytest.mark.parametrize(
    ("words", "code", "hint"),
    [
        (("get", "nobody"), 5, "`ours-experiments list`"),
        (("results", "nobody"), 5, "`ours-experiments list`"),
        (("variants", "get", "nobody"), 5, "`ours-experiments variants list ID`"),
        (("settings", "get", "nobody"), 5, "`ours-experiments settings list`"),
        (("versions", "get", "nobody"), 5, "`ours-experiments versions list`"),
        (("versions", "publish", "--yes"), 6, "`ours-experiments versions changes`"),
        (
            ("versions", "republish", "LIVE", "--yes"),
            6,
            "`ours-experiments versions list`",
        ),
        (("winner", "DRAFT", "--clear"), 6, "`ours-experiments get DRAFT`"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_a_hint_fits_the_command(
    service: Service, invoke: Invoke, words: tuple[str, ...], code: int, hint: str
) -> None:
    """The hint names the command that shows what is missing or in the way."""
    draft, started = service.seed(2)
    invoke("start", started)
    [live] = invoke("versions", "list", "--format", "json").json
    names = {"LIVE": live["id"], "DRAFT": draft}
    ran = invoke(*(names.get(word, word) for word in words))
    assert ran.code == code, ran.err
    assert hint.replace("DRAFT", draft) in hint_of(ran)


@pytest.mark.parametrize(
    "words", [("list",), ("get", "exp_1"), ("settings", "list"), ("versions", "list")]
)
def test_a_wrong_address_does_not_advise_a_list(
    service: Service, invoke: Invoke, words: tuple[str, ...]
) -> None:
    """Where the address is wrong, the hint is about the address."""
    ran = invoke(*words, "--base-url", f"{service.emulator.url}/elsewhere")
    assert ran.code != 0
    assert "--base-url" in hint_of(ran)
    assert "list" not in hint_of(ran)


def test_the_proxy_of_the_environment_is_used() -> None:
    """HTTPS_PROXY gets the connection, and its refusal is an error in one line."""
    requests: list[bytes] = []
    ended = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            while not ended.is_set():
                connection, _ = listening.accept()
                with connection:
                    requests.append(connection.recv(4096))
                    connection.sendall(b"HTTP/1.1 403 Forbidden\r\n\r\n")

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        proxy = f"http://127.0.0.1:{listening.getsockname()[1]}"
        ran = process(
            *("list", "--base-url", "https://service.invalid"),
            env=environment(OURS_PRIVACY_API_KEY="test-key", HTTPS_PROXY=proxy),
        )
        ended.set()
        socket.create_connection(listening.getsockname()).close()
        thread.join()
    assert requests[0].startswith(b"CONNECT service.invalid:443 ")
    assert b"test-key" not in requests[0]
    assert ran.code == 8, ran.err
    assert ran.err.count("\n") == 1


def test_install_hints_name_the_extra_only() -> None:
    """No hint names a distribution, since the package is on no index."""
    script = (
        "import sys; sys.modules['cyclopts'] = None; "
        "from ours_experiments.cli import main; main()"
    )
    ended = process(command=(sys.executable, "-c", script))
    assert ended.code == 1
    assert "extra `cli`" in ended.err
    assert "pip install" not in ended.err
