"""What is taken out of workspaces, checked against the study: its steps, its parameters, its database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genstudy.errors import UserError, near
from genstudy.specs.results import TAKEN, parameter_columns

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from genstudy.specs.manifest import StepEntry
    from genstudy.specs.results import ResultsSettings


class ResultsMistake(UserError):
    """A mistake under `results:`. keys: the way to the key, such as `("sources", "0", "step")`.

    It says `results.sources.0.step` for its place, until somebody who knows the file puts a line there.
    """

    def __init__(self, message: str, *keys: str | int, hint: str | None = None) -> None:
        self.keys = tuple(map(str, keys))
        super().__init__(message, where=".".join(("results", *self.keys)), hint=hint)


def check_results(
    settings: ResultsSettings, steps: Sequence[StepEntry], parameters: Iterable[str]
) -> ResultsSettings:
    """Return the settings with each source's step filled in.

    steps: of the study. parameters: the columns of the campaign's table but the index.
    Raises ResultsMistake for steps that there are not, names that are taken, and a URL that is none.
    """
    if settings.into is not None:
        _check_url(settings.into)
    _check_names(settings, parameters)
    return with_steps(settings, steps)


def with_steps(settings: ResultsSettings, steps: Sequence[StepEntry]) -> ResultsSettings:
    """Return the settings with each source's step filled in; a ResultsMistake where there is none."""
    sources = []
    for place, source in enumerate(settings.sources):
        step = source.step if source.step is not None else _only_step(steps, place)
        names = [entry.name for entry in steps]
        if step not in names:
            raise ResultsMistake(
                f"there is no step '{step}'{near(step, names)}",
                *("sources", place, "step"),
                hint=f"the steps are: {', '.join(names)}",
            )
        sources.append(source.model_copy(update={"step": step}))
    if not sources:
        return settings
    return settings.model_copy(update={"sources": sources})


def _only_step(steps: Sequence[StepEntry], place: int) -> str:
    once_a_row = [entry.name for entry in steps if entry.runs == "row"]
    found = once_a_row or [entry.name for entry in steps]
    if len(found) == 1:
        return found[0]
    raise ResultsMistake(
        f"several steps run {'once a row' if once_a_row else 'here'}, and none is named",
        *("sources", place),
        hint=f"add `step:` with one of: {', '.join(found)}",
    )


def _check_names(settings: ResultsSettings, parameters: Iterable[str]) -> None:
    columns = {column.lower(): name for name, column in parameter_columns(parameters).items()}
    for place, source in enumerate(settings.sources):
        for name in source.columns:
            if name.lower() in TAKEN:
                problem = f"every table of results has a column '{name.lower()}' of its own"
            elif name.lower() in columns:
                problem = f"the parameter '{columns[name.lower()]}' has the column '{name}' already"
            else:
                continue
            raise ResultsMistake(
                problem,
                *("sources", place, "columns", name),
                hint="rename the result; `name: key` says what is taken for it",
            )


def _check_url(text: str) -> None:
    from genstudy.databases.url import parse_url

    try:
        url = parse_url(text)
    except UserError as problem:
        raise ResultsMistake(problem.message, "into", hint=problem.hint) from None
    if url.secrets:
        raise ResultsMistake(
            "a password has no place in a file", "into", hint="set PGPASSWORD, or write ~/.pgpass"
        )
