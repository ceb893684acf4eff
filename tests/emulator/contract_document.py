"""The vendor's OpenAPI document, read strictly."""

import re
from collections import Counter
from typing import Any

from jsonschema import Draft202012Validator


OUTSIDE = {
    ("POST", "/rest/v1/versions/{id}/revert"),
    ("POST", "/rest/v1/versions/{id}/abandon"),
}
"""Documented operations that the emulator does not serve."""

UNDOCUMENTED = {405, 409, 413}
"""Statuses in the form of an error that the document has in words at most."""


KEPT = {
    "additionalProperties",
    "enum",
    "maxItems",
    "maxLength",
    "maximum",
    "minItems",
    "minLength",
    "minimum",
    "pattern",
    "required",
    "type",
}
LEFT_OUT = {"description", "example", "format", "nullable"}


def strict(schema: dict[str, Any]) -> dict[str, Any]:
    """Turn an OpenAPI 3.0 schema into one of JSON Schema that allows no more.

    An object with declared properties has no others.
    """
    converted: dict[str, Any] = {}
    for name, value in schema.items():
        if name == "properties":
            converted[name] = {field: strict(one) for field, one in value.items()}
        elif name == "items":
            converted[name] = strict(value)
        elif (
            name in ("type", "enum", "required", "minimum", "maximum", "pattern")
            or name in ("minLength", "maxLength", "minItems", "maxItems")
            or name == "additionalProperties"
        ) or name in KEPT:
            converted[name] = value
        elif name not in LEFT_OUT:
            raise NotImplementedError(name)
    if "properties" in converted:
        converted.setdefault("additionalProperties", False)
    if schema.get("nullable"):
        converted["type"] = [converted["type"], "null"]
        if "enum" in converted:
            converted["enum"] = [*converted["enum"], None]
    return converted


class Contract:
    """Validate answers against the document, and count what was seen."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.answers: Counter[tuple[str, str, int]] = Counter()
        self.operations: set[tuple[str, str]] = set()
        self._paths: list[tuple[re.Pattern[str], str]] = []
        self._validators: dict[tuple[str, str, int], Draft202012Validator] = {}
        for path, methods in document["paths"].items():
            pattern = re.sub(r"\{\w+\}", "[^/]+", path)
            self._paths.append((re.compile(pattern), path))
            for method, operation in methods.items():
                self.operations.add((method.upper(), path))
                for status, response in operation["responses"].items():
                    schema = response["content"]["application/json"]["schema"]
                    key = (method.upper(), path, int(status))
                    self._validators[key] = Draft202012Validator(strict(schema))

    def check(self, method: str, path: str, status: int, payload: object) -> None:
        """Validate one answer; raise AssertionError with what does not fit."""
        template = next(
            (template for pattern, template in self._paths if pattern.fullmatch(path)),
            None,
        )
        if template is None or (method, template) not in self.operations:
            assert status in (401, 404, 405), (method, path, status)
            return
        key = (method, template, status)
        if status in UNDOCUMENTED and key not in self._validators:
            key = (method, template, 400)
        assert key in self._validators, f"undocumented answer: {(method, path, status)}"
        problems = [
            f"{problem.json_path}: {problem.message}"
            for problem in self._validators[key].iter_errors(payload)
        ]
        assert not problems, (method, path, status, problems[:5])
        self.answers[method, template, status] += 1

    @property
    def visited(self) -> set[tuple[str, str]]:
        """The operations that gave a validated 200."""
        return {(m, path) for m, path, status in self.answers if status == 200}
