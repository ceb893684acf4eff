"""Command lines before they are parsed, and errors of those that cannot be parsed."""

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


FILE_OPTIONS: Final = frozenset({"--from", "--from-file"})
KEY_OPTIONS: Final = frozenset(
    {
        *("accesstoken", "apikey", "apitoken", "authorization", "authtoken"),
        *("bearer", "bearertoken", "secret", "token"),
    }
)
"""Names of options, without dashes, after which people type a key."""
MIN_KEY_LENGTH: Final = 16
"""Shorter keys, such as the emulator's, may well be ordinary words."""
MAX_COMMAND_LENGTH: Final = 20
"""An unknown command that is longer is not repeated: it may be a key."""


def refuse_keys(tokens: Sequence[str]) -> None:
    """Refuse an API key on the command line, where others see it.

    Raises:
        UsageError: A token looks like a key, or contains the key in the environment.
    """
    own = os.environ.get(KEY_VARIABLE, "").strip()
    for token in tokens:
        name = token.partition("=")[0]
        bare = name.replace("-", "").replace("_", "").lower()
        if (
            (name.startswith("-") and bare in KEY_OPTIONS)
            or "bearer " in token.lower()
            or (len(own) >= MIN_KEY_LENGTH and own in token)
        ):
            raise UsageError(
                "an API key is never taken from the command line, where others see it",
                f"set {KEY_VARIABLE}, or use --api-key-env or --api-key-file",
            )


def expand_dashes(tokens: Sequence[str]) -> Iterator[str]:
    """Replace a single `-` by an option: cyclopts takes no argument that is one."""
    previous = ""
    for word in tokens:
        if previous in FILE_OPTIONS:
            yield f"{previous}={word}"
        elif word == "-":
            yield "--stdin"
        elif word not in FILE_OPTIONS:
            yield word
        previous = word
    if previous in FILE_OPTIONS:
        yield previous


def usage_error(problem: CycloptsError) -> UsageError:
    """Build our error from that of the parser, with a hint to the right help page."""
    command = " ".join(["ours-experiments", *(problem.command_chain or ())])
    return UsageError(describe(problem).rstrip("."), f"try `{command} --help`")


def describe(problem: CycloptsError) -> str:
    """Describe what is wrong; leave out values, among which may be a key."""
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
            len(first) > MAX_COMMAND_LENGTH
        ):
            return "Unknown command"
        case UnusedCliTokensError(unused_tokens=list(unused)):
            return "too many arguments" if unused[1:] else "unexpected argument"
        case _:
            return str(problem).partition(" Available commands")[0]
