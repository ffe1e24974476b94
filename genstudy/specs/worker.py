"""User code and regular expressions at work for genstudy, in a process that may crash, hang or be killed.

`python worker.py PARENT SOCKET` reads requests from the socket and answers them, until the socket is closed
or PARENT has ended: a JSON object a line, with `size` bytes behind it where it says so. The first tells
what to do: call a function, or search with expressions. This file is run by its path and imports nothing of
genstudy.
"""

from __future__ import annotations

import importlib
import json
import os
import re
import runpy
import socket
import sys
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from numbers import Real
from pathlib import Path
from typing import Any

BOM = b"\xef\xbb\xbf"
LONGEST = 2**20
SHOWN = 100
PLAIN = (bool, int, float, str)
CHILD = Path(__file__).parents[1] / "maestro" / "child.py"

Answer = dict[str, Any]
"""`values`, one for each column, and `faults`, {place of one: why it is none}; or `fault`, why all are."""


def main() -> None:
    """Answer requests until there are no more."""
    runpy.run_path(str(CHILD))["die_with"](int(sys.argv[1]))
    stream = socket.socket(fileno=int(sys.argv[2])).makefile("rwb")
    own = os.getpid()
    task: Callable[[Any, bytes], Answer] | None = None
    while line := stream.readline():
        request = json.loads(line)
        data = stream.read(request.get("size", 0))
        try:
            if task is None:
                task, answer = _made(request)
            else:
                answer = task(request, data)
        except BaseException as problem:  # noqa: BLE001 - whatever the user's code raises is its row's fault
            answer = {"fault": _told(problem, request.get("workspace"))}
        if os.getpid() != own:
            os._exit(1)  # the user's code forked, and both came back
        stream.write(json.dumps(answer).encode() + b"\n")
        stream.flush()


def _made(request: Any) -> tuple[Callable[[Any, bytes], Answer], Answer]:
    """Return what answers all further requests, and the answer to the first."""
    if "expressions" in request:
        return Search(request["expressions"], first=request["first"]).answer, {}
    sys.path[:0] = request["path"]
    module = importlib.import_module(request["module"])
    name = request["function"]
    function = getattr(module, name, None)
    if not callable(function):
        functions = [other for other, thing in vars(module).items() if callable(thing)]
        found = get_close_matches(name, functions, n=1)
        near = f" (did you mean '{found[0]}'?)" if found else ""
        raise AttributeError(f"there is no function '{name}' in {request['module']}{near}")
    return Call(function, request["columns"]).answer, {}


class Call:
    """Calls the user's function with a workspace."""

    def __init__(self, function: Callable[[Path], object], columns: list[str]) -> None:
        self.function, self.columns = function, columns

    def answer(self, request: Any, data: bytes) -> Answer:  # noqa: ARG002 - there is none
        """Answer with what the function returns."""
        workspace = request["workspace"]
        os.chdir(workspace)
        try:
            found = self.function(Path(workspace))
            if not isinstance(found, Mapping):
                return {"fault": f"returned {type(found).__name__}, not a dict"}
            return self._answer(found)
        finally:
            os.chdir("/")

    def _answer(self, found: Mapping[str, Any]) -> Answer:
        values: list[Any] = []
        faults: dict[int, str] = {}
        for place, name in enumerate(self.columns):
            value = None
            try:
                if name in found:
                    value = _plain(found[name])
                else:
                    faults[place] = f"no key {name}"
            except Exception as problem:  # noqa: BLE001 - the value's own code
                faults[place] = _told(problem, None)
            values.append(value)
        return {"values": values, "faults": faults}


class Search:
    """Searches a text with expressions: of each the first or the last place, its group or all of it."""

    def __init__(self, expressions: list[str], *, first: bool) -> None:
        self.expressions = [re.compile(expression, re.MULTILINE) for expression in expressions]
        self.first = first

    def answer(self, request: Any, data: bytes) -> Answer:  # noqa: ARG002 - it only tells the size
        """Answer with what is found in the data."""
        text = data.removeprefix(BOM).decode("utf-8", "surrogateescape").replace("\r\n", "\n")
        values: list[str | None] = []
        faults: dict[int, str] = {}
        for place, expression in enumerate(self.expressions):
            found = next(expression.finditer(text), None) if self.first else _last(expression, text)
            value = None if found is None else found[expression.groups]
            if value is None:
                faults[place] = "no match"
            elif len(value) > LONGEST:
                faults[place], value = "longer than 1 MiB", None
            values.append(value)
        return {"values": values, "faults": faults}


def _last(expression: re.Pattern[str], text: str) -> re.Match[str] | None:
    found = None
    for match in expression.finditer(text):
        found = match
    return found


def _plain(value: Any) -> Any:
    """Return a value as JSON has it; a number of numpy's is the number that it holds."""
    if value is not None and type(value) not in PLAIN:
        value = _number(value)
    if isinstance(value, str):
        if len(value) > LONGEST:
            raise ValueError("longer than 1 MiB")
        return str(value)
    if isinstance(value, int) and value.bit_length() > LONGEST // 1024:
        raise ValueError("beyond 64 bits")
    if value is None or isinstance(value, PLAIN):
        return value
    raise TypeError(f"not a number or text but {type(value).__name__}")


def _number(value: Any) -> Any:
    """Return the number that is in an array, or another kind of real number; else what it is."""
    item = getattr(value, "item", None)
    found = item() if callable(item) else value
    mask = getattr(value, "mask", None)
    if mask is not None and not callable(mask) and mask:
        raise ValueError("masked")
    if isinstance(found, int | float):
        return found
    return float(found) if isinstance(found, Real) else found


def _told(problem: BaseException, workspace: str | None) -> str:
    try:
        text = str(problem)
        if workspace:
            # The same reason wherever the workspace was, or is unpacked to.
            text = text.replace(f"{workspace}/", "").replace(workspace, "the workspace")
        text = " ".join(text.split())
    except BaseException:  # noqa: BLE001 - the user's own exception
        text = ""
    name = type(problem).__name__
    return f"{name}: {text[:SHOWN]}" if text else name


if __name__ == "__main__":
    main()
