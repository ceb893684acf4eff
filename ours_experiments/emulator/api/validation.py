"""Checks of JSON values; a refused one names its field."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field

from ours_experiments.emulator.json_values import Json
from ours_experiments.emulator.problems import bad_request


Check = Callable[[Json, str], Json]
"""Takes a value and its path, gives what is to be kept, or refuses."""

_DEEPEST = 100


def nullable(check: Check) -> Check:
    """Let null pass, and check everything else."""

    def checked(value: Json, path: str) -> Json:
        return None if value is None else check(value, path)

    return checked


def text(*, least: int = 0, most: int | None = None) -> Check:
    """Check for a string of so many characters."""

    def checked(value: Json, path: str) -> Json:
        if not isinstance(value, str):
            raise bad_request(f"{path}: must be a string")
        if len(value) < least:
            raise bad_request(f"{path}: must not be empty")
        if most is not None and len(value) > most:
            raise bad_request(f"{path}: must have at most {most} characters")
        return value

    return checked


def one_of(choices: Collection[str]) -> Check:
    """Check for one of the documented words."""
    listed = ", ".join(sorted(choices))

    def checked(value: Json, path: str) -> Json:
        if not isinstance(value, str) or value not in choices:
            raise bad_request(f"{path}: must be one of {listed}")
        return value

    return checked


def boolean(value: Json, path: str) -> Json:
    """Check for true or false."""
    if not isinstance(value, bool):
        raise bad_request(f"{path}: must be true or false")
    return value


def whole(least: int, most: int) -> Check:
    """Check for a whole number within bounds, `2.0` included."""

    def checked(value: Json, path: str) -> Json:
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float)
            or value != value // 1
            or not least <= value <= most
        ):
            raise bad_request(f"{path}: must be a whole number, {least} to {most}")
        return int(value)

    return checked


def percentage(value: Json, path: str) -> Json:
    """Check for a number from 0 to 100, and keep its whole part."""
    if (
        not isinstance(value, bool)
        and isinstance(value, int | float)
        and 0 <= value <= 100
    ):
        return int(value)
    raise bad_request(f"{path}: must be a number from 0 to 100")


def array_of(check: Check, *, most: int | None = None) -> Check:
    """Check for an array and each of its items."""

    def checked(value: Json, path: str) -> Json:
        if not isinstance(value, list):
            raise bad_request(f"{path}: must be an array")
        if most is not None and len(value) > most:
            raise bad_request(f"{path}: must have at most {most} items")
        return [check(item, f"{path}[{i}]") for i, item in enumerate(value)]

    return checked


def free_object(value: Json, path: str) -> dict[str, Json]:
    """Check for an object of any content that is not nested too deeply."""
    if not isinstance(value, dict):
        raise bad_request(f"{path}: must be an object")
    level: list[Json] = [value]
    for _ in range(_DEEPEST):
        level = [item for container in level for item in _inside(container)]
        if not level:
            return value
    raise bad_request(f"{path}: must not be nested over {_DEEPEST} levels")


def _inside(container: Json) -> Iterable[Json]:
    if isinstance(container, dict):
        return container.values()
    return container if isinstance(container, list) else ()


@dataclass(frozen=True)
class Shape:
    """An object with known fields; unknown ones are left out.

    With `filled`, fields that were absent are kept as null.
    """

    fields: Mapping[str, Check]
    required: frozenset[str] = field(default_factory=frozenset[str])
    filled: bool = False

    def __call__(self, value: Json, path: str = "") -> dict[str, Json]:
        """Check an object and each of its fields."""
        if not isinstance(value, dict):
            raise bad_request(f"{path or 'body'}: must be an object")
        kept: dict[str, Json] = {}
        for name, check in self.fields.items():
            where = f"{path}.{name}" if path else name
            if name in value:
                kept[name] = check(value[name], where)
            elif name in self.required:
                raise bad_request(f"{where}: is required")
            elif self.filled:
                kept[name] = None
        return kept
