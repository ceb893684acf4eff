"""A Redis of one's own, for as long as a block runs."""

import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager

import attrs


PROGRAM = shutil.which("redis-server")
"""Where Debian's package put it; None where it is not installed."""
PATIENCE = 10.0
"""Seconds in which it has to begin and to end."""


@attrs.frozen
class Server:
    """A running Redis."""

    url: str
    """How clients find it."""
    pid: int
    """Its process, to be stopped and killed."""


@contextmanager
def redis_server() -> Iterator[Server]:
    """Run an empty Redis on a free port of this machine."""
    if PROGRAM is None:
        raise RuntimeError("redis-server is not installed")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        options = {"bind": "127.0.0.1", "port": port, "save": "", "dir": folder}
        command = [PROGRAM]
        for name, value in options.items():
            command += [f"--{name}", str(value)]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:  # noqa: S603 - Debian's own program
            try:
                wait_for(port)
                yield Server(f"redis://127.0.0.1:{port}", process.pid)
            finally:
                process.kill()


def wait_for(port: int) -> None:
    """Wait until a Redis answers at this port."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            with socket.create_connection(("127.0.0.1", port), PATIENCE) as line:
                line.sendall(b"PING\r\n")
                if line.recv(7) == b"+PONG\r\n":
                    return
        except OSError:
            pass
        if time.monotonic() > end:
            raise RuntimeError("redis-server does not answer")
        time.sleep(0.01)
