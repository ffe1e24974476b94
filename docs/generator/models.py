"""Tables of a pydantic model's fields, out of its JSON Schema."""

from __future__ import annotations

import json
from typing import Any

from docs.generator.markdown import code, prose, table

WORDS = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "`true` or `false`",
    "array": "list",
    "object": "mapping",
    "null": "nothing",
}
MANY = 2
"""More kinds than these that one key takes are not listed: what it is tells them."""

PLURALS = {"text": "texts", "whole number": "whole numbers", "number": "numbers", "mapping": "mappings"}


def fields_table(
    schema: dict[str, Any], links: dict[str, str], needed: str, head: tuple[str, str, str, str]
) -> str:
    """Return a table of a model's keys: what each is, what it takes, what holds if it is not there.

    schema: of an object. links: Markdown for each model of `$defs` that a key may hold. needed: what to say
    where a key has no default. head: of the four columns.
    """
    rows = []
    for key, value in schema["properties"].items():
        default = needed if key in schema.get("required", ()) else _default(value)
        if "description" not in value:
            raise ValueError(f"{schema['title']}.{key} has no description")
        rows.append([code(key), prose(value["description"]), kind(value, links), default])
    return table(head, rows)


def _default(schema: dict[str, Any]) -> str:
    value = schema.get("default")
    return "" if value in (None, [], {}) else code(value if isinstance(value, str) else json.dumps(value))


def kind(schema: dict[str, Any], links: dict[str, str]) -> str:
    """Return in words what a schema lets in; that a key may be empty, or null, goes without saying."""
    if "$ref" in schema:
        return links[schema["$ref"].rpartition("/")[2]]
    if "anyOf" in schema:
        kinds = [kind(way, links) for way in schema["anyOf"] if way.get("type") != "null"]
        return " or ".join(dict.fromkeys(kinds))
    if "enum" in schema:
        return ", ".join(code(str(value)) for value in schema["enum"])
    if "const" in schema:
        return code(str(schema["const"]))
    types = schema.get("type", "anything")
    words = [WORDS.get(one, one) for one in ([types] if isinstance(types, str) else types) if one != "null"]
    if "text" in words:
        # Where a text goes, a number is taken for the text that it was written as.
        words = [word for word in words if not word.endswith("number")]
    text = "anything" if len(words) > MANY else " or ".join(words)
    if "items" in schema:
        inner = kind(schema["items"], links)
        text = f"list of {PLURALS.get(inner, inner)}"
    if isinstance(schema.get("additionalProperties"), dict):
        text = f"mapping of names to {kind(schema['additionalProperties'], links)}"
    return text + _bounds(schema) + _examples(schema)


def _bounds(schema: dict[str, Any]) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and high is not None:
        return f" from {low:g} to {high:g}" if high < 1e15 else f", {low:g} or more"
    if low is not None:
        return f", {low:g} or more"
    if "exclusiveMinimum" in schema:
        return f" above {schema['exclusiveMinimum']:g}"
    return f", {high:g} at most" if high is not None else ""


def _examples(schema: dict[str, Any]) -> str:
    if "examples" not in schema:
        return ""
    return f": {', '.join(code(str(one)) for one in schema['examples'])}"
