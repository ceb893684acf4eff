"""The texts beneath the fields of a class, which editors show from a schema too."""

import ast
import inspect
from itertools import pairwise
from textwrap import dedent


def field_texts(cls: type) -> dict[str, str]:
    """Read the text beneath each field of a class; none without its source."""
    try:
        (tree,) = ast.parse(dedent(inspect.getsource(cls))).body
    except (OSError, SyntaxError, TypeError):
        return {}
    body = tree.body if isinstance(tree, ast.ClassDef) else []
    return {
        field.target.id: inspect.cleandoc(text.value.value)
        for field, text in pairwise(body)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(text, ast.Expr)
        and isinstance(text.value, ast.Constant)
        and isinstance(text.value.value, str)
    }
