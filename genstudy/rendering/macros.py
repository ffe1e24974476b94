"""What templates call for the parts that repeat; each returns text, none of them does anything else."""

from __future__ import annotations

import json
import re
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from genstudy.errors import UserError, near
from genstudy.maestro.specs import SCHEDULERS
from genstudy.parameters.names import ROW_ID
from genstudy.rendering.marks import MARK_LINES
from genstudy.rendering.shell import quote, quote_with_tokens
from genstudy.rendering.tokens import check_tokens
from genstudy.rendering.yaml_text import yaml_value

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from genstudy.rendering.context import ParameterView
    from genstudy.rendering.jobs import JobView

NEEDED_BY_SCHEDULER = {"slurm": ("host", "bank", "queue"), "lsf": ("host", "bank", "queue")}
UNWRITABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]")
"""What YAML or the shell would change or refuse."""

LINE = r"%s\n"
ARGUMENT_STYLES = {
    "equals": "--{name}={value}",
    "flags": "--{name} {value}",
    "assign": "{name}={value}",
    "positional": "{value}",
}


class Macros:
    """The macros over one table's parameters. `shared_steps` and `literals` collect what is marked."""

    def __init__(
        self,
        params: Sequence[ParameterView],
        read_deck: Callable[[str], str],
        jobs: JobView | None = None,
    ) -> None:
        """Take the parameters, what gives a deck's text by its name, and the scheduler if there is one."""
        self._params, self._jobs = params, jobs
        self._tokens = {param.token[2:-1] for param in params}
        self._read_deck = read_deck
        self.shared_steps: list[str] = []
        self.literals: list[str] = []

    def exported(self) -> dict[str, Callable[..., str]]:
        """Return the macros by the names that templates use."""
        return {
            "arguments": self.arguments,
            "batch_block": self.batch_block,
            "deck": self.deck,
            "deck_json": self.deck_json,
            "deck_keyvalue": self.deck_keyvalue,
            "done_mark": self.done_mark,
            "echo_params": self.echo_params,
            "env_block": self.env_block,
            "job_block": self.job_block,
            "job_header": self.job_header,
            "literal": self.literal,
            "run_block": self.run_block,
            "shared": self.shared,
            "write_file": self.write_file,
        }

    def shared(self, step: str) -> str:
        """Mark a step as shared: it runs once per distinct set of the values it uses. Returns its name."""
        if step not in self.shared_steps:
            self.shared_steps.append(step)
        return yaml_value(step)

    def literal(self, word: str) -> str:
        """Return `$(WORD)` and mark it as plain text: it is no token, nobody gives it a value."""
        if word not in self.literals:
            self.literals.append(word)
        return f"$({word})"

    def done_mark(self) -> str:
        """The last lines of a script: they leave a mark in the step's workspace if all went well so far."""
        return "\n".join(MARK_LINES)

    def echo_params(self) -> str:
        """Shell lines that print every parameter as `TOKEN: value`, a line each."""
        lines = [f"printf '%s: %s\\n' {param.token[2:-1]} {param.quoted}" for param in self._params]
        return "\n".join(lines)

    def arguments(self, style: str = "equals") -> str:
        """Return the parameters as arguments of a command: equals, flags, assign or positional."""
        if style not in ARGUMENT_STYLES:
            raise UserError(
                f"there is no argument style '{style}'{near(str(style), ARGUMENT_STYLES)}",
                hint=f"styles are: {', '.join(ARGUMENT_STYLES)}",
            )
        form = ARGUMENT_STYLES[style]
        return " ".join(form.format(name=param.name, value=param.quoted) for param in self._params)

    def env_block(self, **variables: Any) -> str:
        """The `env:` block with these variables."""
        if not variables:
            return ""
        lines = [f"        {name}: {yaml_value(value)}" for name, value in variables.items()]
        return "\n".join(["env:", "    variables:", *lines])

    def batch_block(self, type: str | None = None, **settings: Any) -> str:  # noqa: A002 - Maestro's key
        """The `batch:` block of a scheduler: slurm, flux, lsf or local, with what Maestro needs for it.

        Without a type it is that of the campaign's own scheduler, or of `local` where there is none.
        """
        if type is None:
            settings = {"type": "local", **(self._jobs.batch if self._jobs else {}), **settings}
            type = str(settings.pop("type"))  # noqa: A001
        if type not in SCHEDULERS:
            raise UserError(
                f"there is no scheduler '{type}'{near(str(type), SCHEDULERS)}",
                hint=f"Maestro has: {', '.join(SCHEDULERS)}",
            )
        missing = [key for key in NEEDED_BY_SCHEDULER.get(type, ()) if key not in settings]
        if missing:
            raise UserError(
                f"the batch block for {type} lacks {', '.join(missing)}",
                hint='Maestro dies on the first job without it; where the site has none, give ""',
            )
        lines = [f"    {key}: {yaml_value(value)}" for key, value in {"type": type, **settings}.items()]
        return "\n".join(["batch:", *lines])

    def run_block(self, settings: dict[str, Any] | None = None) -> str:
        """Entries of a step's `run:` such as procs, nodes and walltime, a line each."""
        if not isinstance(settings or {}, dict):
            raise UserError(
                f"the run block takes entries such as procs, not {settings!r}",
                hint="""for instance: --set run='{"procs": 4, "walltime": "00:10:00"}'""",
            )
        return "\n".join(f"{key}: {yaml_value(value)}" for key, value in (settings or {}).items())

    def job_block(self, **changes: Any) -> str:
        """Entries of the `run:` of a step that is a job, as the campaign's scheduler is asked for it.

        changes: entries in place of these. Without a scheduler it is empty.
        """
        return self.run_block({**self._jobs.run, **changes}) if self._jobs else ""

    def job_header(self) -> str:
        """The first lines of a job's script: what its scheduler reads there, and the lines of `setup`."""
        return "\n".join(self._jobs.header) if self._jobs else ""

    def write_file(self, path: str, text: str) -> str:
        """Shell lines that write `text` to a file, parameters' tokens in it replaced, byte for byte.

        Nothing in the text or in a value is seen by the shell. A token that is no parameter's is refused
        if it looks like one, and is plain text otherwise.
        """
        return self._write(path, text)

    def _write(self, path: str, text: str, rename: str = "") -> str:
        where = f"the text of {path}"
        check_marks(text, where)
        check_tokens(
            text, where=where, tokens=self._tokens, variables=self.literals, script=False, rename=rename
        )
        *lines, last = (quote_with_tokens(line, {*self._tokens, ROW_ID}) for line in text.split("\n"))
        target = f"> {quote(path)}"
        if text.endswith("\n"):
            return _print(LINE, [*lines, target])
        if not lines:
            return _print("%s", [last, target])
        return f"{{ {_print(LINE, lines)}\n{_print('%s', [last])}\n}} {target}"

    def deck(self, source: str, to: str | None = None) -> str:
        """Shell lines that write the input deck `source`, filled in, to the file `to` (default: its name).

        A deck ending in .j2 is a Jinja template that sees each parameter by name; others use `$(TOKEN)`.
        """
        text = self._read_deck(source)
        name = PurePath(source).name
        rename = "" if name.endswith(".j2") else f"call it {name}.j2 and "
        return self._write(to or name.removesuffix(".j2"), text, rename)

    def deck_json(self, path: str = "input.json") -> str:
        """Shell lines that write a JSON object of every parameter: numbers as numbers, the rest as text."""
        lines = [f"  {json.dumps(p.name)}: {p.json}" for p in self._params]
        return self.write_file(path, "{\n" + ",\n".join(lines) + "\n}\n")

    def deck_keyvalue(self, path: str = "input.txt", separator: str = " = ") -> str:
        """Shell lines that write `name = value` lines for every parameter."""
        return self.write_file(path, "".join(f"{p.name}{separator}{p.token}\n" for p in self._params))


def _print(form: str, words: Sequence[str]) -> str:
    return " \\\n  ".join([f"printf '{form}'", *words])


def check_marks(text: str, where: str) -> None:
    """Refuse the first control character, or other mark that cannot stand in a script as it is."""
    if found := UNWRITABLE.search(text):
        line = text.count("\n", 0, found.start()) + 1
        raise UserError(
            f"{found.group()!r} cannot stand in a script",
            where=f"{where}, line {line}",
            hint="convert its line ends, as dos2unix does"
            if found.group() == "\r"
            else "take it out of the text",
        )


def read_text(path: Path) -> str:
    """Return a file's text, its line ends as they are; a UserError where it is missing or not UTF-8."""
    try:
        return path.read_bytes().decode("utf-8")
    except (FileNotFoundError, IsADirectoryError):
        raise UserError("there is no such file", where=str(path), hint="check the path") from None
    except UnicodeDecodeError:
        raise UserError("not UTF-8 text", where=str(path), hint="save it as UTF-8") from None
