"""The page of all commands: what `--help` says, and the environment variables."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer.main

from docs.generator.markdown import code, page, prose, table
from genstudy.campaign.hooks import HOOK_VARIABLES
from genstudy.cli.app import app
from genstudy.cli.source import DB_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Iterator

INDEX = Path(__file__).parents[1] / "index.md"
ROW = re.compile(r"^\| `(genstudy [^`]+)` \|.*\| \[[^\]]*\]\(([^)]+)\) \|$", re.MULTILINE)
ABOUT = """\
Every command with every option, as `genstudy COMMAND --help` tells it. What they do is shown with examples on
the pages that are linked. `--help` stands for itself everywhere and is left out here."""
ENVIRONMENT = """\
Beside these, Maestro, the scheduler's commands and PostgreSQL's client read variables of their own, such as
`PGPASSWORD`; see [running](../running.md), [clusters](../clusters.md) and
[files and databases](../sources.md#passwords)."""

KINDS = {
    **dict.fromkeys(("int", "integer"), "N"),
    **dict.fromkeys(("str", "text", "list[str]"), "TEXT"),
    **dict.fromkeys(("path", "list[path]", "file"), "PATH"),
    "float": "X",
}
"""What the values of options are called, by the names that versions of Typer have for their types."""


def walk(command: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Yield every command that does something, with its name."""
    subs = getattr(command, "commands", {})
    if not subs:
        yield path, command
    for name, sub in subs.items():
        yield from walk(sub, f"{path} {name}")


def commands_page() -> str:
    """Return the page."""
    root = typer.main.get_command(app)
    pages = dict(ROW.findall(INDEX.read_text(encoding="utf-8")))
    general = f"## genstudy\n\n{prose(str(root.help))}\n\n{_options(root)}"
    sections = [_section(path, command, pages.get(path)) for path, command in walk(root, "genstudy")]
    rows = [
        [code(DB_VARIABLE), "the query's database, where `--db` is not given", "`--query`"],
        *([code(name), prose(about), "`--before`, `--after`"] for name, about in HOOK_VARIABLES.items()),
    ]
    variables = table(["variable", "is", "goes with"], rows)
    return page(
        "Commands", ABOUT, general, *sections, f"## Environment variables\n\n{variables}\n\n{ENVIRONMENT}"
    )


def _section(path: str, command: Any, linked: str | None) -> str:
    arguments = [one for one in command.params if one.param_type_name == "argument"]
    options = [one for one in command.params if one.param_type_name == "option"]
    usage = " ".join([path, *(["[OPTIONS]"] if options else []), *map(_argument, arguments)])
    parts = [f"## {path}", f"```\n{usage}\n```", _help(command.help or "")]
    if arguments:
        parts.append(table(["argument", "is"], [[code(_argument(one)), _told(one)] for one in arguments]))
    parts.append(_options(command))
    if linked:
        parts.append(f"With examples: [{linked.removesuffix('.md')}](../{linked})")
    return "\n\n".join(part.strip() for part in parts if part)


def _help(text: str) -> str:
    """Return a command's help, its paragraphs as they are."""
    paragraphs = re.split(r"\n\s*\n", text.replace("\b", "").strip())
    return "\n\n".join(prose(" ".join(paragraph.split())) for paragraph in paragraphs)


def _options(command: Any) -> str:
    options = [one for one in command.params if one.param_type_name == "option" and "--help" not in one.opts]
    rows = [[_spelled(one), _told(one), _default(one)] for one in options]
    return table(["option", "does", "default"], rows) if rows else ""


def _spelled(option: Any) -> str:
    """Return all spellings of an option, the last of them with its value."""
    *others, last = option.opts
    value = "" if option.is_flag else f" {option.metavar or _kind(option)}"
    return ", ".join(map(code, [*others, last + value, *option.secondary_opts]))


def _argument(argument: Any) -> str:
    if argument.metavar:
        return str(argument.metavar)
    word = argument.name.upper() + ("" if argument.nargs == 1 else "...")
    return word if argument.required else f"[{word}]"


def _kind(parameter: Any) -> str:
    """Return a word for the value that an option takes: `N`, or the texts that it may be."""
    found = re.search(r"(?:<([^<>]+)>|\[([^\[\]]+)\]| ([A-Z]+))$", _record(parameter)[0])
    word = next(filter(None, found.groups()), "") if found else ""
    return KINDS.get(word.lower(), word)


def _told(parameter: Any) -> str:
    """Return what a parameter's help says, and the values that an argument may have."""
    if not parameter.help:
        raise ValueError(f"{parameter.name} has no help")
    text = prose(parameter.help)
    kind = _kind(parameter)
    if parameter.param_type_name == "argument" and "|" in kind and not parameter.metavar:
        text += f" One of {', '.join(map(code, kind.split('|')))}."
    if getattr(parameter, "multiple", False) and "epeatable" not in text:
        text += " Repeatable."
    return text


def _record(parameter: Any) -> tuple[str, str]:
    """Return the two columns that `--help` has for a parameter."""
    return parameter.get_help_record(typer.Context(typer.main.get_command(app))) or ("", "")


def _default(option: Any) -> str:
    if option.required:
        return "needed"
    value = option.default
    if value is None or value is False or value in ((), [], ""):
        return ""
    return "yes" if value is True else code(str(value))
