"""Maestro parameter generator: one batch of rows of a table, each row in a workspace of its own.

This file needs the standard library and maestrowf (1.2.1 or later) only. Use it as

    maestro run SPEC.yaml --pgen pgen.py

where SPEC.yaml carries its arguments as variables (PARG_CSV, PARG_START, ...), or by hand, with any spec:

    maestro run SPEC.yaml --pgen pgen.py --pargs CSV:params.csv --pargs NROWS:3

What is given with --pargs wins over what the spec carries:

    CSV     the table: a header of parameter names, then a row a combination (UTF-8)
    NROWS   how many rows to take; all that are left when it is not given
    START   the first row to take, counted from 0 (default 0)
    ROWS    which rows to take, counted as for START: 0-99,105, or @FILE, a file that holds such a text
    INDEX   the column that holds the row id; it is not a parameter (default: rows are numbered from 0)
    DEBUG   any text: print the rows
    SHARED  names of steps, separated by commas, that run once per distinct set of the values they use
    UNSAFE  yes: let values with shell-active characters stand under a bare $(NAME)

A spec made by genstudy carries also OFFSET, BYTES and SHA256: where the batch's rows lie in the table, and
the hash of the header and these bytes. A table that has changed since is refused.

Tokens, for a column `width`: $(WIDTH) the value, $(WIDTH.quoted) the value quoted for the shell, so that it
reaches a command byte for byte, $(WIDTH.json) the value as JSON text for use inside single quotes,
$(WIDTH.label) and $(WIDTH.name) as in Maestro. $(ROW_ID) is the row's id, $(ROW_ID.label) its label.
Every step that uses a parameter runs once a row, in a workspace named row_<row id>.
"""

from __future__ import annotations

import csv
import difflib
import hashlib
import io
import itertools
import re
import shlex
import sys
import types

from maestrowf.datastructures.core import ParameterGenerator
from maestrowf.datastructures.core.parameters import Combination

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Any

ROW_ID = "ROW_ID"
PUBLIC = ("CSV", "NROWS", "START", "ROWS", "INDEX", "DEBUG", "SHARED", "UNSAFE")
BAKED = ("OFFSET", "BYTES", "SHA256")
MOST = 10**15
SHOWN = 40
ROWS_FORM = "write rows as 0-99,105, or name a file that holds such a text: ROWS:@FILE"
TAKEN = ("WORKSPACE", "LAUNCHER", "OUTPUT_PATH", "SPECROOT", ROW_ID)

RANGE = re.compile(r"(\d{1,18})(?:-(\d{1,18}))?", re.ASCII)
TOKEN = re.compile(r"\$\(([^\W\d][\w-]*)(?:\.(label|name|quoted|json))?\)")
UPPER = re.compile(r"[A-Z_][A-Z0-9_-]*")
ROW_ID_FORM = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
SHELL_ACTIVE = re.compile(r"[^\w@%+=:,./^-]", re.ASCII)
JSON_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
JSON_ESCAPED = re.compile(r"[^\w .,:/@%+=-]", re.ASCII)


class Refused(Exception):
    """A mistake in the arguments or in the table; the text says what, where and the way out."""


def quoted(value: str) -> str:
    """Return the value as one shell word; no `$(` stands in it that Maestro could still replace."""
    return shlex.quote(value).replace("$(", "$''(")


def shell_active(value: str) -> bool:
    """Tell whether an unquoted value would be more than plain text to a shell."""
    return any(mark < "\x80" for mark in SHELL_ACTIVE.findall(value))


def as_json(value: str) -> str:
    r"""Return the value as a JSON number where it reads as one, else as a JSON string.

    All marks that a shell or Maestro could act on are written as \uXXXX, so that the text may stand
    between single quotes or in a here-document.
    """
    if JSON_NUMBER.fullmatch(value):
        return value
    return '"' + JSON_ESCAPED.sub(_escape, value) + '"'


def _escape(found: re.Match[str]) -> str:
    units = found.group().encode("utf-16-be")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))


class RowCombination(Combination):  # type: ignore[misc]
    """One row: names its workspaces by the row id, and replaces all tokens in a single pass."""

    def __init__(self, columns: dict[str, int], values: tuple[str, ...]) -> None:
        """Hold a row; `columns` gives each token's place in `values`."""
        super().__init__()
        self._columns = columns
        self._values = values

    @property
    def label(self) -> str:
        """The row's label, which names its folder in every step."""
        return "row_" + self._values[self._columns[ROW_ID]]

    def __str__(self) -> str:
        """Return the row's label."""
        return self.label

    def get_param_string(self, params: Iterable[str]) -> str:
        """Return what names the workspace of a step that uses these parameters."""
        used = sorted(params)
        if ROW_ID in used:
            return self.label
        digest = hashlib.sha256()
        for key in used:
            value = self._values[self._columns[key]].encode()
            digest.update(f"{key} {len(value)} ".encode() + value)
        return "shared_" + digest.hexdigest()[:20]

    def get_param_values(self, params: Iterable[str]) -> Iterator[tuple[str, str]]:
        """Yield the row id alone: Maestro writes these pairs into status.csv unquoted."""
        if ROW_ID in params:
            yield ROW_ID, self._values[self._columns[ROW_ID]]
        else:
            yield "SHARED", self.get_param_string(params)

    def apply(self, item: str) -> str:
        """Replace every token of this row's parameters, once; other text stays as it is."""
        return TOKEN.sub(self._replacement, item)

    def _replacement(self, found: re.Match[str]) -> str:
        key, form = found.groups()
        place = self._columns.get(key)
        if place is None:
            return found.group()
        value = self._values[place]
        if form is None:
            return value
        if form == "quoted":
            return quoted(value)
        if form == "json":
            return as_json(value)
        if form == "name":
            return str(key)
        return self.label if key == ROW_ID else f"{key}.{value}"


def get_combinations(self: Any) -> Iterator[RowCombination]:
    """Yield a combination a row (stands in for the generator's own method)."""
    columns = {key: place for place, key in enumerate(self.parameters)}
    for values in zip(*self.parameters.values()):
        yield RowCombination(columns, values)


def get_used_parameters(self: Any, step: Any) -> set[str]:
    """Return the parameters a step uses, and the row id with them unless the step is shared."""
    used: set[str] = ParameterGenerator.get_used_parameters(self, step)
    if used and step.real_name not in self.shared_steps:
        used.add(ROW_ID)
    try:
        if self.by_hand:
            _check_known(self, step)
        if not self.unsafe:
            _check_bare(self, step, used)
    except Refused as problem:
        _end(problem)
    return used


def get_metadata(self: Any) -> dict[str, Any]:
    """Say which rows of which table these are; the values stand in the table."""
    rows = self.parameters[ROW_ID]
    return {
        "table": self.table,
        "parameters": [key for key in self.parameters if key != ROW_ID],
        "rows": len(rows),
        "row_numbers": self.row_numbers,
        "first_row": rows[0],
        "last_row": rows[-1],
    }


def _check_known(generator: Any, step: Any) -> None:
    """Refuse a token of ours that is no column: it would stay in the script, and the step run once."""
    for text in map(str, step.run.values()):
        for key, form in TOKEN.findall(text):
            if key not in generator.parameters and key not in TAKEN and (form or UPPER.fullmatch(key)):
                token = f"$({key}.{form})" if form else f"$({key})"
                raise Refused(
                    f"{generator.table} has no column for {token}, which step '{step.real_name}' uses\n"
                    f"  its columns give: {', '.join(f'$({known})' for known in generator.parameters)}"
                )


def _check_bare(generator: Any, step: Any, used: set[str]) -> None:
    texts = [str(text) for text in step.run.values()]
    bare = {key for text in texts for key, form in TOKEN.findall(text) if form in ("", "label")}
    for key in sorted(bare & used - {ROW_ID}):
        for row_id, value in zip(generator.parameters[ROW_ID], generator.parameters[key]):
            if shell_active(value):
                raise Refused(
                    f"{generator.table}, row {row_id}: step '{step.real_name}' uses a bare $({key}), and the "
                    f"value {value!r} has shell-active characters\n"
                    f"  write $({key}.quoted) there, or pass --pargs UNSAFE:yes"
                )


def _arguments(env: Any, given: dict[str, Any]) -> dict[str, str]:
    """Join what --pargs gives and what the spec carries; the first wins."""
    for name in given:
        if name not in (*PUBLIC, "OUTPUT_PATH", "SPECROOT"):
            close = difflib.get_close_matches(name.upper(), PUBLIC, n=1)
            hint = f" (did you mean '{close[0]}'?)" if close else ""
            raise Refused(f"--pargs '{name}' is not known{hint}\n  known are: {', '.join(PUBLIC)}")
    baked = {name: env.find("PARG_" + name) for name in (*PUBLIC, *BAKED)}
    arguments = {
        name: env.apply_environment(str(found.value)) for name, found in baked.items() if found is not None
    }
    if "CSV" in given or "START" in given or "INDEX" in given:
        for name in BAKED:
            arguments.pop(name, None)
    if "CSV" in given:
        for name in ("START", "NROWS", "INDEX"):
            arguments.pop(name, None)
    for name in ("START", "NROWS"):
        if "ROWS" in given and name in given:
            raise Refused(f"ROWS and {name} exclude each other\n  leave {name} out: ROWS names each row")
    if "CSV" in given or "START" in given or "NROWS" in given:
        arguments.pop("ROWS", None)
    arguments.update({name: str(given[name]).strip() for name in PUBLIC if name in given})
    if not arguments.get("CSV"):
        raise Refused("no table is named\n  pass --pargs CSV:FILE, or use a spec made by genstudy")
    return arguments


def _yes(arguments: dict[str, str], name: str) -> bool:
    text = arguments.get(name, "").lower()
    if text not in ("", "yes", "true", "1", "no", "false", "0"):
        raise Refused(f"{name} is yes or no, not '{text}'")
    return text in ("yes", "true", "1")


def _whole_number(arguments: dict[str, str], name: str, least: int) -> int | None:
    text = arguments.get(name)
    if not text:
        return None
    try:
        number = int(text)
    except ValueError:
        raise Refused(f"{name} must be a whole number, not '{text}'") from None
    if number < least:
        raise Refused(f"{name} must be at least {least}, not {number}")
    if number > MOST:
        raise Refused(f"{name} must be at most {MOST}, not {number}")
    return number


def _spans(arguments: dict[str, str]) -> list[tuple[int, int]] | None:
    """Return what ROWS names as ranges (first, behind the last), in order, none touching the next."""
    if "ROWS" not in arguments:
        return None
    text, place = arguments["ROWS"].strip(), "ROWS"
    if text.startswith("@"):
        text, place = _text_of(text[1:]), f"ROWS, {text[1:]}"
    if not text:
        raise Refused(f"{place}: no row is named\n  {ROWS_FORM}")
    spans: list[tuple[int, int]] = []
    for start, stop in sorted(_span(part, place) for part in text.split(",")):
        if spans and start <= spans[-1][1]:
            spans[-1] = (spans[-1][0], max(stop, spans[-1][1]))
        else:
            spans.append((start, stop))
    return spans


def _span(part: str, place: str) -> tuple[int, int]:
    found = RANGE.fullmatch(part)
    start, end = (int(found[1]), int(found[2] or found[1])) if found else (1, 0)
    if end < start:
        raise Refused(f"{place}: {part[:SHOWN]!r} is no range of rows\n  {ROWS_FORM}")
    return start, end + 1


def _text_of(file: str) -> str:
    try:
        with open(file, encoding="utf-8-sig") as stream:
            return stream.read().strip()
    except OSError as problem:
        raise Refused(f"ROWS: {file} cannot be read: {problem.strerror}\n  {ROWS_FORM}") from None
    except UnicodeDecodeError:
        raise Refused(f"ROWS: {file} is not UTF-8 text\n  {ROWS_FORM}") from None


def _as_text(spans: Iterable[tuple[int, int]]) -> str:
    return ",".join(str(a) if b == a + 1 else f"{a}-{b - 1}" for a, b in spans)


def _records(text: str, first_line: int, table: str) -> Iterator[list[str]]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    while True:
        try:
            record = next(reader, None)
        except csv.Error as problem:
            line = first_line + reader.line_num - 1
            raise Refused(f"{table}, line {line}: {problem}") from None
        if record is None:
            return
        yield record


def _picked(
    rows: Iterable[list[str]], spans: Iterable[tuple[int, int | None]], first: int
) -> Iterator[list[str]]:
    """Yield the rows of these ranges, and read no further; `rows` begin with row `first`."""
    rows, at = iter(rows), first
    for start, stop in spans:
        yield from itertools.islice(rows, start - at, None if stop is None else stop - at)
        at = stop or at


def _baked_rows(arguments: dict[str, str]) -> tuple[list[str], list[list[str]]]:
    """Read the bytes of the batch alone, and compare their hash."""
    table = arguments["CSV"]
    with open(table, "rb") as stream:
        head = stream.readline()
        stream.seek(int(arguments["OFFSET"]))
        data = stream.read(int(arguments["BYTES"]))
    if hashlib.sha256(head + data).hexdigest() != arguments["SHA256"]:
        raise Refused(
            f"{table} is not what it was when the specs were made: the header or this batch's rows changed\n"
            "  bring the table back, or make the specs anew with genstudy specs"
        )
    header = next(csv.reader([head.decode("utf-8-sig")]))
    return header, list(_records(data.decode("utf-8"), 1, table))


def _streamed_rows(table: str, spans: Iterable[tuple[int, int | None]]) -> tuple[list[str], list[list[str]]]:
    """Read the table from its beginning, and keep the wanted rows alone."""
    with open(table, encoding="utf-8-sig", newline="") as stream:
        reader = csv.reader(stream, strict=True)
        try:
            header = next(reader, None)
            if not header:
                raise Refused(f"{table} is empty: a header with the names of the parameters is needed")
            return header, list(_picked((row for row in reader if row), spans, 0))
        except csv.Error as problem:
            raise Refused(f"{table}, line {reader.line_num}: {problem}") from None
        except UnicodeDecodeError:
            raise Refused(f"{table} is not UTF-8 text\n  save it as UTF-8") from None


def _read(arguments: dict[str, str]) -> tuple[list[str], list[list[str]], list[tuple[int, int]]]:
    """Return the header, the rows, and which rows these are."""
    start = _whole_number(arguments, "START", 0) or 0
    wanted = _whole_number(arguments, "NROWS", 1)
    stop = None if wanted is None else start + wanted
    spans = _spans(arguments)
    if spans is not None:
        _check_inside(spans, start, stop)
    table = arguments["CSV"]
    picked: Sequence[tuple[int, int | None]] = spans or [(start, stop)]
    try:
        if "SHA256" in arguments:
            header, rows = _baked_rows(arguments)
            if wanted is not None and wanted > len(rows):
                raise Refused(f"NROWS is {wanted}, this batch has {len(rows)} rows\n  pass --pargs START too")
            rows = list(_picked(rows, picked, start))
        else:
            header, rows = _streamed_rows(table, picked)
    except OSError as problem:
        raise Refused(f"{table} cannot be read: {problem.strerror}") from None
    if spans is None and not rows:
        raise Refused(f"{table} has no row {start}: START is past the end\n  rows are counted from 0")
    spans = spans or [(start, start + len(rows))]
    for number, row in itertools.zip_longest(_numbers(spans), rows):
        if row is None:
            raise Refused(f"{table} has no row {number}: ROWS goes past the end\n  rows are counted from 0")
        if len(row) != len(header):
            raise Refused(f"{table}, row {number}: {len(row)} cells, but the header has {len(header)}")
    return [name.strip() for name in header], rows, spans


def _check_inside(spans: list[tuple[int, int]], start: int, stop: int | None) -> None:
    """Refuse rows that are none of the batch's, [start, stop)."""
    outside = spans[0][0] if spans[0][0] < start else spans[-1][1] - 1
    if outside < start or (stop is not None and outside >= stop):
        end = "on" if stop is None else f"to {stop - 1}"
        raise Refused(
            f"ROWS names row {outside}, and this specification has rows {start} {end}\n"
            "  take the specification that has it, or name the table too: --pargs CSV:FILE"
        )


def _numbers(spans: Iterable[tuple[int, int]]) -> Iterator[int]:
    return itertools.chain.from_iterable(range(start, stop) for start, stop in spans)


def _check_columns(env: Any, table: str, header: list[str]) -> None:
    seen = set()
    for name in header:
        key = name.upper()
        if not TOKEN.fullmatch(f"$({key})") or "." in key:
            raise Refused(f"{table}: the column '{name}' cannot be a parameter\n  rename it")
        if key in seen:
            raise Refused(f"{table}: two columns give the same token $({key})\n  rename one of them")
        if key in TAKEN or env.find(key) is not None:
            raise Refused(f"{table}: the column '{name}' has the name of a variable, $({key})\n  rename it")
        seen.add(key)


def _row_ids(
    table: str, header: list[str], rows: list[list[str]], numbers: Sequence[int], index: str
) -> list[str]:
    if not index:
        return list(map(str, numbers))
    if index not in header:
        raise Refused(f"{table} has no column '{index}' (INDEX)\n  its columns are: {', '.join(header)}")
    place = header.index(index)
    seen = set()
    for row in rows:
        row_id = row[place]
        if not ROW_ID_FORM.fullmatch(row_id):
            raise Refused(
                f"{table}: the row id {row_id!r} cannot name a folder\n"
                "  letters, digits, dots, dashes and underscores can; a letter or digit comes first"
            )
        if row_id in seen:
            raise Refused(f"{table}: the row id {row_id!r} stands twice")
        seen.add(row_id)
    return [row[place] for row in rows]


def _columns(
    table: str, names: list[str], rows: list[list[str]], numbers: Sequence[int]
) -> dict[str, list[str]]:
    columns = dict(zip(names, map(list, zip(*rows))))
    for name, values in columns.items():
        for number, value in zip(numbers, values):
            if CONTROL.search(value):
                raise Refused(f"{table}, row {number}, column {name}: a control character in {value!r}")
    return columns


def _generator(env: Any, given: dict[str, Any]) -> Any:
    arguments = _arguments(env, given)
    table, index = arguments["CSV"], arguments.get("INDEX", "")
    header, rows, spans = _read(arguments)
    numbers = list(_numbers(spans))
    ids = _row_ids(table, header, rows, numbers, index)
    _check_columns(env, table, [name for name in header if not index or name != index])
    columns = _columns(table, header, rows, numbers)
    if index:
        columns.pop(index)
    if arguments.get("DEBUG"):
        print(f"{table}: rows {', '.join(f'{start} to {stop - 1}' for start, stop in spans)}")
        for row_id, row in zip(ids, rows):
            print(f"  {row_id}: {dict(zip(header, row))}")

    # A subclass of ParameterGenerator cannot be pickled by the conductor, so one instance is changed.
    generator = ParameterGenerator()
    for name, values in columns.items():
        generator.add_parameter(name.upper(), values)
    generator.add_parameter(ROW_ID, ids)
    generator.table = table
    generator.row_numbers = _as_text(spans)
    generator.unsafe = _yes(arguments, "UNSAFE")
    generator.by_hand = "SHA256" not in arguments
    generator.shared_steps = {step.strip() for step in arguments.get("SHARED", "").split(",")}
    for method in (get_combinations, get_used_parameters, get_metadata):
        setattr(generator, method.__name__, types.MethodType(method, generator))
    return generator


def _end(problem: Refused) -> None:
    print(f"pgen: {problem}", file=sys.stderr)
    raise SystemExit(2)


def get_custom_generator(env: Any, **kwargs: Any) -> Any:
    """Return the generator for the rows that the arguments name; Maestro calls this.

    env: the study's environment, with the spec's variables.
    kwargs: what --pargs gives, besides OUTPUT_PATH and SPECROOT, which Maestro adds.
    A mistake ends Maestro with one message on standard error and exit code 2.
    """
    try:
        return _generator(env, kwargs)
    except Refused as problem:
        _end(problem)
