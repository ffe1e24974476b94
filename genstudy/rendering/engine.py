"""Study templates rendered, and what is wrong in one said with its file, line and the nearest name."""

from __future__ import annotations

import re
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2.exceptions import TemplateError, TemplateNotFound, TemplateSyntaxError, UndefinedError

from genstudy.errors import UserError, near
from genstudy.rendering.context import BatchView, ParameterView, StudyView, TableView, base_context
from genstudy.rendering.loader import TemplateLoader, make_environment, variables_of
from genstudy.rendering.macros import Macros, check_marks, read_text
from genstudy.rendering.templates import builtin_names

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from genstudy.rendering.jobs import JobView
    from genstudy.rendering.templates import TemplateSource

UNDEFINED = re.compile(r"^'([^']+)' is undefined")
VIEWS = {"study": StudyView, "batch": BatchView, "table": TableView, "a parameter": ParameterView}
WRONG_IN_TEMPLATE = (
    TemplateError,
    ArithmeticError,
    AttributeError,
    LookupError,
    MemoryError,
    RecursionError,
    TypeError,
    ValueError,
)
"""What an expression in a template can raise; anything else is a fault of this program."""

RAW = "for text that is not Jinja's: {% raw %}...{% endraw %}"
SURROGATE = re.compile(r"[\ud800-\udfff]")


class StudyTemplate:
    """A template ready to be rendered for the batches of one table.

    Raises UserError, with file and line, for what is wrong in the template.
    """

    def __init__(
        self,
        source: TemplateSource,
        params: Sequence[ParameterView],
        variables: Mapping[str, Any],
        *,
        folder: Path | None = None,
        jobs: JobView | None = None,
    ) -> None:
        """Compile the template; `variables` are what it sees as `vars`.

        folder: where relative paths in the variables are looked up first (default: the working directory).
        jobs: the scheduler, where steps are jobs.
        """
        self.source = source
        self._folder = folder or Path()
        self._loader = TemplateLoader(source.file)
        self._environment = make_environment(self._loader)
        self._variables = dict(variables)
        self._macros = Macros(params, self._read_deck, jobs)
        self._context = {**base_context(params, variables, jobs), **self._macros.exported()}
        self._deck_context = {**self._context, **{param.name: param.token for param in params}}
        try:
            self._template = self._environment.get_template(source.file.name)
            known = variables_of(self._environment, source.file.name)
        except TemplateError as problem:
            raise self._translated(problem) from problem
        self._check_variables(known)

    @property
    def shared_steps(self) -> list[str]:
        """The steps that the last rendering marked as shared."""
        return list(self._macros.shared_steps)

    @property
    def literals(self) -> list[str]:
        """The words that the last rendering marked as no tokens."""
        return list(self._macros.literals)

    @property
    def sha256(self) -> str:
        """The hash of the template's text and of all that it extends, includes or writes as a deck."""
        return self._loader.sha256

    def render(self, study: StudyView, batch: BatchView, table: TableView) -> str:
        """Return the text for one batch."""
        self._macros.shared_steps.clear()
        self._macros.literals.clear()
        try:
            text = self._template.render(self._context, study=study, batch=batch, table=table)
        except UserError as problem:
            problem.where = problem.where or self._place(problem)
            raise
        except WRONG_IN_TEMPLATE as problem:
            raise self._translated(problem) from problem
        self._check_text(text)
        return text

    def _check_text(self, text: str) -> None:
        """Refuse what no file can hold."""
        if found := SURROGATE.search(text):
            line = text.count("\n", 0, found.start()) + 1
            raise UserError(
                f"the rendered text has {found.group()!r} in line {line}, which is no character",
                where=self.source.name,
                hint="look for it in the variables and in the template",
            )

    def _read_deck(self, name: str) -> str:
        """Return a deck's text; one that ends in .j2 is a Jinja template."""
        path = self._find_deck(name)
        text = read_text(path)
        check_marks(text, str(path))
        self._loader.texts[f"deck {name}"] = text
        return self._render_deck(path, text) if path.suffix == ".j2" else text

    def _find_deck(self, name: str) -> Path:
        """Return a deck's file. A template names files beside it; only the user's variables name others."""
        if name in self._variables.values():
            return next((p for p in (self._folder / name, Path(name)) if p.is_file()), Path(name))
        beside = self.source.file.parent.resolve()
        path = (beside / name).resolve()
        if not path.is_relative_to(beside):
            raise UserError(
                f"the template asks for the deck '{name}', outside its own folder",
                hint="give the path as a variable: deck(vars.deck), and --set deck=PATH",
            )
        return path

    def _render_deck(self, path: Path, text: str) -> str:
        try:
            return self._environment.from_string(text).render(self._deck_context)
        except WRONG_IN_TEMPLATE as problem:
            line = getattr(problem, "lineno", None) or _line_in(problem, "<template>")
            raise UserError(
                self._message(problem, self._deck_context),
                where=f"{path}, line {line}",
                hint=RAW if isinstance(problem, TemplateSyntaxError) else None,
            ) from problem

    def _check_variables(self, known: set[str] | None) -> None:
        """Refuse a variable that was set and that no template looks at: most often a slip of the pen."""
        for name in self._variables:
            if known is not None and name not in known:
                raise UserError(
                    f"the template '{self.source.name}' has no variable '{name}'{near(name, known)}",
                    hint=f"its variables are: {', '.join(sorted(known))}" if known else "it has no variables",
                )

    def _translated(self, problem: Exception) -> UserError:
        if isinstance(problem, TemplateSyntaxError):
            file = problem.filename or self.source.name
            return UserError(str(problem.message), where=f"{file}, line {problem.lineno}", hint=RAW)
        hint = None
        if isinstance(problem, TemplateNotFound):
            hint = f"built in are: {', '.join(builtin_names())}; others are found beside the template"
        return UserError(self._message(problem, self._context), where=self._place(problem), hint=hint)

    def _message(self, problem: Exception, context: Mapping[str, Any]) -> str:
        text = getattr(problem, "message", None) or str(problem)
        if isinstance(problem, TemplateNotFound):
            return f"there is no template '{problem.name}'{near(str(problem.name), builtin_names())}"
        if isinstance(problem, RecursionError):
            return "the template includes itself without end"
        if isinstance(problem, MemoryError):
            return "this makes a text that does not fit into memory"
        if not isinstance(problem, UndefinedError):
            return text
        if found := UNDEFINED.search(text):
            name = found.group(1)
            return f"'{name}' is not defined{near(name, {*context, 'study', 'batch', 'table'})}"
        name = text.rpartition("attribute ")[2].strip("'")
        if "Variables" in text:
            return f"vars.{name} is not set{near(name, self._variables)}; pass --set {name}=VALUE"
        for word, view in VIEWS.items():
            if view.__qualname__ in text:
                fields = [field for field in dir(view) if not field.startswith("_")]
                return f"{word} has no '{name}'{near(name, fields) or ': it has ' + ', '.join(fields)}"
        return text

    def _place(self, problem: Exception) -> str:
        for frame in reversed(traceback.extract_tb(problem.__traceback__)):
            if frame.filename in self._loader.files:
                return f"{frame.filename}, line {frame.lineno}"
        return str(self.source.name)


def _line_in(problem: Exception, filename: str) -> int | None:
    frames = traceback.extract_tb(problem.__traceback__)
    return next((frame.lineno for frame in reversed(frames) if frame.filename == filename), None)
