"""Results taken out of a row's workspaces, as the settings say. What is missing has a reason."""

from __future__ import annotations

import hashlib
import json
from contextlib import ExitStack
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, Self

from genstudy.results.csv_file import CsvFile
from genstudy.results.functions import ExpressionsFile, FunctionSource
from genstudy.results.json_file import JsonFile
from genstudy.results.text_file import KeyValueFile, SizeOfFile, TextFile
from genstudy.results.values import Missing
from genstudy.results.workspace import LargeFile, WorkspaceFile
from genstudy.specs.modules import find_module
from genstudy.specs.result_keys import function_of
from genstudy.specs.results_check import with_steps

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from genstudy.specs.manifest import StepEntry
    from genstudy.specs.result_sources import Source
    from genstudy.specs.results import ResultsSettings

VERSION = 1
"""Grows when the same settings and files come to give other results."""


class _Reader(Protocol):
    """What takes columns out of what was read."""

    def __init__(self, source: Source) -> None: ...

    def take(self, content: Any, errors: dict[str, str], /) -> tuple[Any, ...]: ...


READERS: dict[str, type[_Reader]] = {
    "json": JsonFile,
    "csv": CsvFile,
    "keyvalue": KeyValueFile,
    "text": TextFile,
    "size": SizeOfFile,
    "regex": ExpressionsFile,
}


class Extracted(NamedTuple):
    """The results of a row.

    values: in the order of the settings' columns; None where there is none. errors: {column: reason} of just
    these. What stands in a reason before a colon is the same for all faults of its kind.
    """

    values: tuple[Any, ...]
    errors: dict[str, str]


class _Source(NamedTuple):
    """One source. place: its own. take: makes values of what was read, and notes why some are None."""

    place: int
    take: Callable[[Any, dict[str, str]], tuple[Any, ...]]
    columns: tuple[str, ...]


class _Input(NamedTuple):
    """What is read once for a row, in a step's workspace, and the sources that take from it."""

    step: str
    read: Callable[[str], Any]
    sources: list[_Source]


class Extractor:
    """Takes the results of one row after another, for one thread. A context manager: it may have processes.

    steps: the steps whose workspaces are looked at. columns: the names of the results, in order.
    digest: SHA-256 of all that decides what comes out: the settings, and the bytes of the functions' modules
    (not of what these import).
    """

    def __init__(
        self,
        settings: ResultsSettings,
        steps: Sequence[StepEntry],
        folder: Path,
        *,
        beside: Path | None = None,
    ) -> None:
        """Decide all that can be decided before a file is read; ResultsMistake for steps that there are not.

        folder: the campaign's, in which modules of functions are looked for first; beside: one before it.
        """
        settings = with_steps(settings, steps)
        self.columns = tuple(settings.types)
        self.steps = tuple(dict.fromkeys(str(source.step) for source in settings.sources))
        self._path = [folder] if beside is None else [beside, folder]
        self._inputs: dict[tuple[str, str, str], _Input] = {}
        self._patterns: dict[str, list[WorkspaceFile]] = {}
        self._paths: set[tuple[str, str]] = set()
        self._all: set[str] = set()
        self._processes: list[FunctionSource | ExpressionsFile] = []
        self._nothing: list[tuple[Any, ...]] = []
        for place, source in enumerate(settings.sources):
            self._nothing.append((None,) * len(source.columns))
            self._add(source, place)
        self._work = list(self._inputs.values())
        self.digest = _digest(settings, self._path)

    def __enter__(self) -> Self:
        """Start the functions' processes; ResultsMistake where a function cannot be imported."""
        with ExitStack() as stack:
            stack.callback(self.close)
            for process in self._processes:
                process.start()
            stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the processes."""
        for process in self._processes:
            process.close()

    def wants(self, step: str, path: str) -> bool:
        """Tell whether a file of a step's workspace may be looked at. path: in the workspace."""
        if (step, path) in self._paths or step in self._all:
            return True
        return any(file.matches(path) for file in self._patterns.get(step, ()))

    def extract(self, workspaces: Mapping[str, str | None]) -> Extracted:
        """Take the results of a row. workspaces: {step: full path of its real folder, or None for none}.

        OSError for what is no fault of the row: a disk that cannot be read, too many open files.
        """
        errors: dict[str, str] = {}
        parts = self._nothing.copy()
        for step, read, sources in self._work:
            found: Any = None
            try:
                workspace = workspaces.get(step)
                if workspace is None:
                    raise Missing(f"no workspace of {step}")
                found = read(workspace)
                for place, take, columns in sources:
                    try:
                        parts[place] = take(found, errors)
                    except Missing as reason:
                        errors.update(dict.fromkeys(columns, str(reason)))
            except Missing as reason:
                for _, _, columns in sources:
                    errors.update(dict.fromkeys(columns, str(reason)))
            finally:
                if type(found) is LargeFile:
                    found.close()
        return Extracted(parts[0] if len(parts) == 1 else tuple(chain.from_iterable(parts)), errors)

    def _add(self, source: Source, place: int) -> None:
        """Add a source to the input that it takes from."""
        step = str(source.step)
        if source.kind == "python":
            self._all.add(step)
            function = FunctionSource(source, place, self._path)
            self._processes.append(function)
            self._inputs[step, "python", str(place)] = _Input(
                step, _itself, [_Source(place, function.take, function.columns)]
            )
            return
        file = WorkspaceFile(source.target)
        if file.is_pattern:
            self._patterns.setdefault(step, []).append(file)
        else:
            self._paths.add((step, file.target))
        taker = READERS[source.kind](source)
        if isinstance(taker, ExpressionsFile):
            self._processes.append(taker)
        what, read = ("size", file.size) if source.kind == "size" else ("file", file.read)
        known = self._inputs.setdefault((step, what, file.target), _Input(step, read, []))
        known.sources.append(_Source(place, taker.take, tuple(source.columns)))


def _itself(workspace: str) -> str:
    return workspace


def _digest(settings: ResultsSettings, path: Sequence[Path]) -> str:
    told: list[Any] = [VERSION]
    for source in settings.sources:
        columns = [(name, source.key_of(name), source.type_of(name)) for name in source.columns]
        kept = source.model_dump(include={"step", "row", "delimiter", "match", "timeout"})
        told.append([source.kind, source.target, columns, kept])
        if source.kind == "python":
            module = find_module(function_of(source.target)[0], path)
            told.append(hashlib.sha256(module.read_bytes()).hexdigest() if module is not None else None)
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()
