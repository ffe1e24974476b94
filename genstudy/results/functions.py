"""Results that the user's own function finds, or his regular expressions: each in a process of its own.

They may crash, print, hang or never end: that is a reason for their row, and the next one gets a new process.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from genstudy.results.values import CONVERTERS, Missing, parsed, shown
from genstudy.results.workspace import whole
from genstudy.specs.modules import function_process, started
from genstudy.specs.worker_process import NoAnswer, WorkerProcess

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from genstudy.results.workspace import Content
    from genstudy.specs.result_sources import Source, Type


class _Answers:
    """What the answers of a process are as results."""

    def __init__(self, source: Source, convert: Callable[[Any, Type], Any]) -> None:
        self.columns = tuple(source.columns)
        self._types = [source.type_of(name) for name in self.columns]
        self._convert = convert

    def values(self, answer: Mapping[str, Any], errors: dict[str, str]) -> tuple[Any, ...]:
        """Return the columns' values, and note why some are None. Missing where there are none at all."""
        if "fault" in answer:
            raise Missing(shown(str(answer["fault"]), 120))
        values, faults = answer.get("values"), answer.get("faults")
        if not isinstance(values, list) or len(values) != len(self.columns) or not isinstance(faults, dict):
            raise Missing("gave no sensible answer")
        return tuple([self._one(place, value, faults, errors) for place, value in enumerate(values)])

    def _one(self, place: int, value: Any, faults: dict[str, Any], errors: dict[str, str]) -> Any:
        try:
            if str(place) in faults:
                raise Missing(shown(str(faults[str(place)]), 120))
            return self._convert(value, self._types[place])
        except Missing as reason:
            errors[self.columns[place]] = str(reason)
            return None


class FunctionSource:
    """Takes columns out of what the user's function returns for a workspace."""

    def __init__(self, source: Source, place: int, path: Sequence[Path]) -> None:
        self.columns = tuple(source.columns)
        self._answers = _Answers(source, lambda value, kind: CONVERTERS[kind](value))
        self._process = function_process(source, path)
        self._source, self._place = source, place

    def start(self) -> None:
        """Start the process; UserError where the function cannot be imported."""
        started(self._process, self._source, self._place)

    def close(self) -> None:
        """End the process."""
        self._process.close()

    def take(self, workspace: str, errors: dict[str, str]) -> tuple[Any, ...]:
        """Return the columns' values, and note why some are None. Raises Missing for all of them."""
        try:
            answer = self._process.ask({"workspace": workspace})
        except NoAnswer as reason:
            raise Missing(f"the function {reason}") from None
        return self._answers.values(answer, errors)


class ExpressionsFile:
    """Takes columns out of a text by regular expressions. Bytes that are not UTF-8 match nothing but `.`."""

    def __init__(self, source: Source) -> None:
        self.columns = tuple(source.columns)
        self._answers = _Answers(source, parsed)
        expressions = [source.key_of(name) for name in self.columns]
        task = {"expressions": expressions, "first": source.match == "first"}
        self._process = WorkerProcess(task, timeout=source.timeout)

    def start(self) -> None:
        """Start the process."""
        self._process.start()

    def close(self) -> None:
        """End the process."""
        self._process.close()

    def take(self, content: Content, errors: dict[str, str]) -> tuple[Any, ...]:
        """Return the columns' values, and note why some are None. Raises Missing for the file as a whole."""
        data = whole(content)
        if not data:
            raise Missing("an empty file")
        try:
            answer = self._process.ask({}, data)
        except NoAnswer as reason:
            raise Missing(f"the search {reason}") from None
        return self._answers.values(answer, errors)
