"""Checks of JSON values; errors name the field."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field

from ours_experiments.emulator.json_values import Json
from ours_experiments.emulator.problems import bad_request


Check = Callable[[Json, str], Json]
"""Takes a value and its path; returns what is kept, or raises ProblemError."""

MAX_DEPTH = 100


def nullable(check: Check) -> Check:
    """Accept null, and check all other values."""

    def checked(value: Json, path: str) -> Json:
        return None if value is None else check(value, path)

    return checked


def text(*, minimum: int = 0, maximum: int | None = None) -> Check:
    """Check for a string of so many characters."""

    def checked(value: Json, path: str) -> Json:
        if not isinstance(value, str):
            raise bad_request(f"{path}: must be a string")
        if len(value) < minimum:
            raise bad_request(f"{path}: must not be empty")
        if maximum is not None and len(value) > maximum:
            raise bad_request(f"{path}: must have at maximum {maximum} characters")
        return value

    return checked


def one_of(choices: Collection[str]) -> Check:
    """Check for a documented value."""
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


def integer(minimum: int, maximum: int) -> Check:
    """Check for a integer number within bounds, `2.0` included."""

    def checked(value: Json, path: str) -> Json:
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float)
            or value != value // 1
            or not minimum <= value <= maximum
        ):
            raise bad_request(f"{path}: must be a whole number, {minimum} to {maximum}")
        return int(value)

    return checked


def percentage(value: Json, path: str) -> Json:
    """Check for a number from 0 to 100, and keep its integer part."""
    if (
        not isinstance(value, bool)
        and isinstance(value, int | float)
        and 0 <= value <= 100
    ):
        return int(value)
    raise bad_request(f"{path}: must be a number from 0 to 100")


def array_of(check: Check, *, maximum: int | None = None) -> Check:
    """Check for an array and each of its items."""

    def checked(value: Json, path: str) -> Json:
        if not isinstance(value, list):
            raise bad_request(f"{path}: must be an array")
        if maximum is not None and len(value) > maximum:
            raise bad_request(f"{path}: must have at maximum {maximum} items")
        return [check(item, f"{path}[{i}]") for i, item in enumerate(value)]

    return checked


def free_object(value: Json, path: str) -> dict[str, Json]:
    """Check for an object of any content that is not nested too deeply."""
    if not isinstance(value, dict):
        raise bad_request(f"{path}: must be an object")
    level: list[Json] = [value]
    for _ in range(MAX_DEPTH):
        level = [item for container in level for item in _inside(container)]
        if not level:
            return value
    raise bad_request(f"{path}: must not be nested over {MAX_DEPTH} levels")


def _inside(container: Json) -> Iterable[Json]:
    if isinstance(container, dict):
        return container.values()
    return container if isinstance(container, list) else ()


@dataclass(frozen=True)
class Shape:
    """A check for an object; fields that it does not name are left out.

    With `filled`, absent fields are kept as null.
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
