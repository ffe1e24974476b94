"""Jinja's side of the templates: the sandbox, and the texts it may load."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from jinja2 import BaseLoader, Environment, StrictUndefined, TemplateNotFound, Undefined, meta, nodes
from jinja2.loaders import split_template_path
from jinja2.sandbox import ImmutableSandboxedEnvironment

from genstudy.errors import UserError, near
from genstudy.rendering.macros import read_text
from genstudy.rendering.templates import SUFFIX, builtin_folder, builtin_names
from genstudy.rendering.yaml_text import yaml_value

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

DELIMITERS = {"comment_start_string": "{%#", "comment_end_string": "#%}"}
"""`{#` is bash's `${#list[@]}`; the other delimiters are Jinja's own."""


class TemplateLoader(BaseLoader):
    """Loads templates from a folder and from the built-in ones, and remembers every text it gave.

    A built-in template is named as people name it (`echo`). No name and no link leads out of the folder.
    """

    def __init__(self, main: Path) -> None:
        """Load from the folder of this template first."""
        self.main = main
        self.texts: dict[str, str] = {}
        self.files: set[str] = set()

    def get_source(
        self,
        environment: Environment,  # noqa: ARG002 - Jinja's signature
        template: str,
    ) -> tuple[str, str, Callable[[], bool] | None]:
        """Return a template's text and file."""
        file = self.main.parent.joinpath(*split_template_path(template))
        name = template.removesuffix(SUFFIX)
        if not file.is_file() and name in builtin_names():
            file = builtin_folder() / f"{name}{SUFFIX}"
        if not file.is_file():
            raise TemplateNotFound(template)
        if file != self.main:
            self._check_link(file, template)
        text = read_text(file)
        self.texts[template] = text
        self.files.add(str(file))
        return text, str(file), None

    def _check_link(self, file: Path, name: str) -> None:
        folder = builtin_folder() if file.parent == builtin_folder() else self.main.parent
        if not file.resolve().is_relative_to(folder.resolve()):
            raise UserError(
                f"the template asks for '{name}', outside its own folder",
                hint="put a copy of it beside the template",
            )

    @property
    def sha256(self) -> str:
        """The hash of all texts that were loaded, in the order of their names."""
        digest = hashlib.sha256()
        for name, text in sorted(self.texts.items()):
            data = text.encode()
            digest.update(f"{name} {len(data)}\n".encode() + data)
        return digest.hexdigest()


def make_environment(loader: TemplateLoader) -> Environment:
    """Return the sandboxed environment: strict about names, no escaping, block tags take no lines."""
    environment = ImmutableSandboxedEnvironment(
        loader=loader,
        undefined=StrictUndefined,
        autoescape=False,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
        **DELIMITERS,
    )
    environment.filters["yaml"] = yaml_value
    environment.filters["text"] = _text
    environment.filters["among"] = _among
    return environment


def _among(value: Any, known: Sequence[str]) -> list[str]:
    """Return names, a list or a single one, as a list; a UserError for one that is not among the known."""
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list | tuple):
        raise UserError(f"{value!r} is no list of names", hint=f"""write it as '["{known[0]}"]'""")
    for name in names:
        if name not in known:
            raise UserError(
                f"there is no '{name}' here{near(str(name), known)}", hint=f"there are: {', '.join(known)}"
            )
    return list(names)


def _text(value: Any) -> str:
    """Return a variable as the text that was typed: `true` is not `True`."""
    return value if isinstance(value, str | Undefined) else json.dumps(value)  # type: ignore[return-value]


def variables_of(environment: Environment, name: str) -> set[str] | None:
    """Return the names that a template, and what it extends or includes, reads as `vars.NAME`.

    None where that cannot be told, as it looks at `vars` in another way.
    """
    assert environment.loader is not None
    found: set[str] = set()
    pending, seen = [name], set()
    while pending:
        current = pending.pop()
        if current in seen:
            continue
        seen.add(current)
        try:
            source = environment.loader.get_source(environment, current)[0]
        except (TemplateNotFound, UserError):
            # Rendering tells where it is asked for, unless it may be missing.
            continue
        tree = environment.parse(source, filename=current)
        names = _variables_in(tree)
        if names is None:
            return None
        found |= names
        pending += [other for other in meta.find_referenced_templates(tree) if other]
    return found


def _variables_in(tree: nodes.Template) -> set[str] | None:
    uses = sum(1 for node in tree.find_all(nodes.Name) if node.name == "vars")
    names: list[str] = [node.attr for node in tree.find_all(nodes.Getattr) if _is_vars(node.node)]
    items = [node for node in tree.find_all(nodes.Getitem) if _is_vars(node.node)]
    names += [str(node.arg.value) for node in items if isinstance(node.arg, nodes.Const)]
    return set(names) if len(names) == uses else None


def _is_vars(node: Any) -> bool:
    return isinstance(node, nodes.Name) and node.name == "vars"
