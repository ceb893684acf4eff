"""Let `help()` and `pydoc` show what is written beneath the fields of a class.

A field's text is a string line beneath it, which editors show and Python forgets.
`help()` looks for it in `__slots__`, if that is a dict: so a class gets one that reads
its source when it is first asked.
"""

import ast
import inspect
from textwrap import dedent
from typing import cast


class FieldTexts(dict[str, str | None]):
    """The slots of a class, each with its text."""

    def __init__(self, cls: type, slots: tuple[str, ...]) -> None:
        super().__init__(dict.fromkeys(slots))
        self.source: type | None = cls

    def __getitem__(self, name: str) -> str | None:
        if self.source is not None:
            cls, self.source = self.source, None
            self.update(texts_beneath_fields(cls))
        return super().__getitem__(name)


def texts_beneath_fields(cls: type) -> dict[str, str]:
    """Read the text beneath each field of a class; none without its source."""
    try:
        (tree,) = ast.parse(dedent(inspect.getsource(cls))).body
    except (OSError, SyntaxError, TypeError):
        return {}
    if not isinstance(tree, ast.ClassDef):
        return {}
    found: dict[str, str] = {}
    for field, text in zip(tree.body, tree.body[1:], strict=False):
        if (
            isinstance(field, ast.AnnAssign)
            and isinstance(field.target, ast.Name)
            and isinstance(text, ast.Expr)
            and isinstance(text.value, ast.Constant)
            and isinstance(text.value.value, str)
        ):
            found[field.target.id] = inspect.cleandoc(text.value.value)
    return found


def documented(value: object) -> object:
    """Make the texts of a class's fields known, if it has slots."""
    if isinstance(value, type):
        slots: object = vars(value).get("__slots__")
        if isinstance(slots, tuple) and slots:
            texts = FieldTexts(value, cast("tuple[str, ...]", slots))
            type.__setattr__(value, "__slots__", texts)
    return value
