"""A local stand-in for the service, to develop and to test against.

    async with Emulator() as emulator:
        ...  # emulator.url, emulator.api_key

It keeps its state in memory, obeys the service's rules, and misbehaves on command
(`emulator.faults`). It shares no code with the client.
"""

from ours_experiments.emulator._clock import Clock
from ours_experiments.emulator._fault_kinds import describe
from ours_experiments.emulator._faults import Fault, Faults, parse
from ours_experiments.emulator._log import LogEntry, RequestLog
from ours_experiments.emulator._problems import ProblemError
from ours_experiments.emulator._second_origin import SecondOrigin
from ours_experiments.emulator._server import Emulator
from ours_experiments.emulator._state import State


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
