"""What stands in a class's source and nowhere else: the text under each of its fields."""

from __future__ import annotations

import ast
import inspect
import textwrap


def fields_of(view: type) -> dict[str, str]:
    """Return {name: text} of a class's fields and properties; ValueError where one has no text."""
    [tree] = ast.parse(textwrap.dedent(inspect.getsource(view))).body
    assert isinstance(tree, ast.ClassDef)
    found: dict[str, str] = {}
    for node, following in zip(tree.body, [*tree.body[1:], None], strict=True):
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found[node.target.id] = _text(following)
        elif isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            found[node.name] = ast.get_docstring(node) or ""
    bare = [name for name, text in found.items() if not text]
    if bare:
        raise ValueError(f"{view.__name__} does not say what these are: {', '.join(bare)}")
    return found


def _text(node: ast.stmt | None) -> str:
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return inspect.cleandoc(str(node.value.value))
    return ""
