"""Where in a study file a mistake is, when what comes after it finds one."""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from genstudy.errors import UserError
from genstudy.files import cannot_write
from genstudy.studies.mistakes import results_places

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from genstudy.studies.model import StudyFile

LINE = re.compile(r" \(line [0-9]+\)")


@dataclass(frozen=True, slots=True)
class Places:
    """The places of a study file's keys; those that were set otherwise have none."""

    file: StudyFile
    settings: frozenset[str]

    @contextmanager
    def key(self, *names: str) -> Iterator[None]:
        """Name the first of these keys that the file has (`derive.x`) in a mistake; else just the file."""
        try:
            with results_places(self.file.path, self.file.lines):
                yield
        except UserError as problem:
            mine = problem.where is None or problem.where.startswith("--")
            if mine and not self.settings & {name.split(".")[0] for name in names}:
                problem.where = self._of(names)
            raise

    def _of(self, names: tuple[str, ...]) -> str:
        for name in names:
            if name in self.file.lines:
                first, _, last = name.rpartition(".")
                shown = first if last.isdigit() else name
                return f"{self.file.path}, line {self.file.lines[name]}, {shown}"
        return str(self.file.path)

    @contextmanager
    def whole_file(self, *names: str) -> Iterator[None]:
        """Name the file in a mistake that may be in any of these keys, if none of them was set otherwise."""
        try:
            yield
        except UserError as problem:
            mine = problem.where is None or problem.where.startswith("--")
            if mine and not self.settings & set(names):
                problem.where = str(self.file.path)
            raise

    @contextmanager
    def table(self, table: Path, output: Path) -> Iterator[None]:
        """Name the study file instead of its table, which nobody will ever see."""
        try:
            yield
        except UserError as problem:
            if isinstance(problem.__cause__, OSError) and _names(problem.where, table):
                raise cannot_write(output, problem.__cause__) from problem
            if problem.where is not None and _names(problem.where, table):
                problem.where = LINE.sub("", problem.where)
            self._rename(problem, table)
            raise

    def _rename(self, problem: UserError, table: Path) -> None:
        shown = f"the table of {self.file.path}"
        for path in (str(table.resolve()), str(table)):
            problem.message = problem.message.replace(path, shown)
            problem.where = problem.where and problem.where.replace(path, shown)
            problem.hint = problem.hint and problem.hint.replace(path, shown)


def _names(where: str | None, table: Path) -> bool:
    return where is not None and str(table.parent) in where
