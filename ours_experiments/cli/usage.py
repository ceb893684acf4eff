"""Command lines before they are parsed, and what is said of those that cannot be."""

import os
from collections.abc import Iterator, Sequence
from typing import Final

from cyclopts import (
    CycloptsError,
    MissingArgumentError,
    UnknownCommandError,
    UnknownOptionError,
    UnusedCliTokensError,
)

from ours_experiments.cli.context import KEY_VARIABLE
from ours_experiments.cli.errors import UsageError


TAKES_FILE: Final = frozenset({"--from", "--from-file"})
MEANT_FOR_A_KEY: Final = frozenset(
    {
        *("accesstoken", "apikey", "apitoken", "authorization", "authtoken"),
        *("bearer", "bearertoken", "secret", "token"),
    }
)
"""Names of options, without dashes, after which people type a key."""
SHORTEST_KEY: Final = 16
"""Shorter keys, such as the emulator's, may well be ordinary words."""
LONGEST_WORD: Final = 20
"""A longer word is not repeated where a command should stand: it may be a key."""


def refuse_keys(tokens: Sequence[str]) -> None:
    """Refuse an API key on the command line, where others see it, unrepeated.

    Raises:
        UsageError: Something looks like one, or is the one in the environment.
    """
    own = os.environ.get(KEY_VARIABLE, "").strip()
    for token in tokens:
        name = token.partition("=")[0]
        bare = name.replace("-", "").replace("_", "").lower()
        if (
            (name.startswith("-") and bare in MEANT_FOR_A_KEY)
            or "bearer " in token.lower()
            or (len(own) >= SHORTEST_KEY and own in token)
        ):
            raise UsageError(
                "an API key is never taken from the command line, where others see it",
                f"set {KEY_VARIABLE}, or use --api-key-env or --api-key-file",
            )


def without_dashes(tokens: Sequence[str]) -> Iterator[str]:
    """Spell a single `-` as an option, since no argument may begin with one."""
    before = ""
    for word in tokens:
        if before in TAKES_FILE:
            yield f"{before}={word}"
        elif word == "-":
            yield "--stdin"
        elif word not in TAKES_FILE:
            yield word
        before = word
    if before in TAKES_FILE:
        yield before


def usage_error(problem: CycloptsError) -> UsageError:
    """Say in our words what cannot be understood, and where to look."""
    command = " ".join(["ours-experiments", *(problem.command_chain or ())])
    return UsageError(told(problem).rstrip("."), f"`{command} --help` shows how")


def told(problem: CycloptsError) -> str:
    """Name what is wrong; values that an unknown option was given are left out."""
    match problem:
        case MissingArgumentError(argument=argument) if argument is not None:
            typed = [problem.keyword, *(token.keyword for token in argument.tokens)]
            option = next((name for name in typed if name), None)
            missing = f"{argument.name.lstrip('-').upper()} is missing"
            return f"{option} needs a value" if option else missing
        case UnknownCommandError(unused_tokens=[first, *_]) if first.startswith("-"):
            return f"Unknown option: {first.partition('=')[0]}"
        case UnknownOptionError(token=token):
            option = token.keyword or token.value
            return str(problem).replace(option, option.partition("=")[0])
        case UnknownCommandError(unused_tokens=[first, *_]) if (
            len(first) > LONGEST_WORD
        ):
            return "Unknown command"
        case UnusedCliTokensError(unused_tokens=list(unused)):
            return "too many arguments" if unused[1:] else "one argument too many"
        case _:
            return str(problem).partition(" Available commands")[0]
