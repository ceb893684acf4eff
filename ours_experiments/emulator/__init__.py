"""A local stand-in for the service, to develop and to test against.

    with Emulator() as emulator:
        ...  # emulator.url, emulator.api_key

It keeps an account in memory, follows the rules of the service, and fails on request
(`emulator.faults`). It shares no code with the client: README.md in this folder.
"""

from ours_experiments.emulator.account.state import State
from ours_experiments.emulator.clock import Clock
from ours_experiments.emulator.faults.kinds import describe
from ours_experiments.emulator.faults.rules import Fault, Faults, parse
from ours_experiments.emulator.faults.second_origin import SecondOrigin
from ours_experiments.emulator.log import LogEntry, RequestLog
from ours_experiments.emulator.problems import ProblemError
from ours_experiments.emulator.server import Emulator


__all__ = [
    "Clock",
    "Emulator",
    "Fault",
    "Faults",
    "LogEntry",
    "ProblemError",
    "RequestLog",
    "SecondOrigin",
    "State",
    "describe",
    "parse",
]
