"""Results that a function of the user's finds, whatever else it does."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from genstudy.results.extract import Extracted, Extractor
from genstudy.specs.results_check import ResultsMistake
from tests.results.extracting import STEPS, reason, settings

ROWS = 3


@pytest.fixture(autouse=True)
def rows(tmp_path: Path) -> None:
    for number in range(ROWS):
        folder = tmp_path / f"row_{number}"
        folder.mkdir()
        (folder / "n").write_text(str(number))


def make(tmp_path: Path, body: str, head: str = "") -> None:
    """Write measure.py with a function of this body, for a `workspace` whose number is `n`."""
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    text = f"import os, sys\n{head}\ndef results(workspace):\n    n = int((workspace / 'n').read_text())\n"
    (tmp_path / "measure.py").write_text(text + lines)


def collected(tmp_path: Path, columns: Any = "a", **source: Any) -> list[Extracted]:
    """Return what the function gives for each row."""
    found = settings({"python": "measure:results", "columns": columns, "timeout": 20, **source})
    with Extractor(found, STEPS, tmp_path) as extractor:
        return [extractor.extract({"one": str(tmp_path / f"row_{number}")}) for number in range(ROWS)]


def test_what_it_returns(tmp_path: Path) -> None:
    make(
        tmp_path, "return {'a': n + 0.5, 'k': n, 'flag': n > 1, 'note': f'row {n} \\u00b5', 'more': object()}"
    )
    columns = {
        "a": None,
        "b": {"key": "k", "type": "int"},
        "flag": {"type": "bool"},
        "note": {"type": "text"},
    }
    assert collected(tmp_path, columns) == [
        ((0.5, 0, False, "row 0 µ"), {}),
        ((1.5, 1, False, "row 1 µ"), {}),
        ((2.5, 2, True, "row 2 µ"), {}),
    ]


def test_scalars_of_numpy(tmp_path: Path) -> None:
    body = (
        "import numpy as np\n"
        "return {'a': np.float32(0.5), 'b': np.int64(n), 'c': np.bool_(True), 'd': np.array(2.5),\n"
        "        'e': np.str_('x'), 'f': np.float64('nan'), 'g': np.zeros(2), 'h': np.longdouble(0.5),\n"
        "        'i': np.ma.masked, 'j': np.ma.array([1.5], mask=[True]), 'k': np.ma.array([1.5])}"
    )
    make(tmp_path, body)
    types = {"b": "int", "c": "bool", "e": "text"}
    columns = {name: {"type": types.get(name, "float")} for name in "abcdefghijk"}
    found = collected(tmp_path, columns)[2]
    assert found.values == (0.5, 2, True, 2.5, "x", None, None, 0.5, None, None, 1.5)
    assert found.errors["f"] == "NaN"
    assert found.errors["g"].startswith("ValueError: can only convert an array of size 1")
    assert found.errors["i"] == found.errors["j"] == "ValueError: masked"


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("return {}", "no key a"),
        ("return {'A': 1}", "no key a"),
        ("return None", "returned NoneType, not a dict"),
        ("return [1]", "returned list, not a dict"),
        ("return {'a': None}", "null"),
        ("return {'a': 'x'}", "not a float: 'x'"),
        ("return {'a': True}", "not a float: a bool"),
        ("return {'a': [1]}", "TypeError: not a number or text but list"),
        ("return {'a': object()}", "TypeError: not a number or text but object"),
        ("return {'a': float('inf')}", "infinite"),
        ("return {'a': 10**5000}", "ValueError: beyond 64 bits"),
        ("return {'a': 'x' * 10**8}", "ValueError: longer than 1 MiB"),
        ("raise ValueError('no  such\\nthing')", "ValueError: no such thing"),
        ("raise ValueError", "ValueError"),
        ("raise ValueError('y' * 10**6)", "ValueError: " + "y" * 100),
        ("raise ValueError('\\x1b[2J')", "ValueError: \\x1b[2J"),
        (
            "(workspace / 'none').read_text()",
            "FileNotFoundError: [Errno 2] No such file or directory: 'none'",
        ),
        ("sys.exit(3)", "SystemExit: 3"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
        ("def deep(): deep()\ndeep()", "RecursionError: maximum recursion depth exceeded"),
        ("os._exit(3)", "the function ended its process with exit code 3"),
        ("os._exit(0)", "the function ended its process with exit code 0"),
        ("import ctypes; ctypes.string_at(0)", "the function was killed by signal 11, Segmentation fault"),
        ("os.kill(os.getpid(), 15)", "the function was killed by signal 15, Terminated"),
        ("os.closerange(3, 1000)", "the function ended its process with exit code 1"),
        (
            "import time\nos.closerange(3, 1000)\ntime.sleep(99)",
            "the function closed the connection to its process",
        ),
        ("while True: pass", "the function took longer than 1 s"),
        ("import time; time.sleep(99)", "the function took longer than 1 s"),
        ("os.fork()\nreturn {'a': 'x'}", "not a float: 'x'"),
        (
            "class Bad(Exception):\n    def __str__(self): raise OSError\nraise Bad",
            "Bad",
        ),
        (
            "class Worse(Exception):\n    def __str__(self): sys.exit(5)\nraise Worse",
            "Worse",
        ),
    ],
)
def test_a_row_that_goes_wrong_costs_no_other(tmp_path: Path, body: str, told: str) -> None:
    bad = "".join(f"    {line}\n" for line in body.splitlines())
    make(tmp_path, f"if n == 1:\n{bad}return {{'a': n}}")
    first, second, third = collected(tmp_path, timeout=1)
    assert (first, third) == (((0.0,), {}), ((2.0,), {}))
    assert reason(second) == told
    assert len(reason(second)) < 150


def test_what_it_prints_and_changes_harms_nobody(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    body = (
        "print('out' * 10**6)\nprint('err', file=sys.stderr)\nos.write(1, b'raw')\nos.write(2, b'raw')\n"
        "here = os.getcwd() == str(workspace) and not sys.stdin.read()\n"
        "os.chdir('/')\nos.environ.clear()\n"
        "return {'a': here}"
    )
    make(tmp_path, body)
    before, environment = Path.cwd(), dict(os.environ)
    assert collected(tmp_path, type="bool") == [((True,), {})] * ROWS
    assert (Path.cwd(), dict(os.environ)) == (before, environment)
    assert capfd.readouterr() == ("", "")


def test_nothing_is_written_beside_the_module(tmp_path: Path) -> None:
    make(tmp_path, "return {'a': 1}")
    collected(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["measure.py", "row_0", "row_1", "row_2"]


def test_the_process_lives_on_from_row_to_row(tmp_path: Path) -> None:
    make(tmp_path, "count.append(n)\nreturn {'a': len(count)}", head="count = []")
    assert [found.values for found in collected(tmp_path)] == [(1.0,), (2.0,), (3.0,)]


def test_a_workspace_of_any_name(tmp_path: Path) -> None:
    make(tmp_path, "raise ValueError(f'{workspace} is bad')")
    folder = tmp_path / "sp  ace\n\u00fc"
    folder.mkdir()
    (folder / "n").write_text("1")
    found = settings({"python": "measure:results", "columns": ["a"]})
    with Extractor(found, STEPS, tmp_path) as extractor:
        assert reason(extractor.extract({"one": str(folder)})) == "ValueError: the workspace is bad"


def test_a_process_that_died_between_two_rows_is_no_rows_fault(tmp_path: Path) -> None:
    make(tmp_path, "return {'a': os.getpid()}")
    found = settings({"python": "measure:results", "columns": ["a"]})
    with Extractor(found, STEPS, tmp_path) as extractor:
        row = {"one": str(tmp_path / "row_0")}
        [first] = extractor.extract(row).values
        os.kill(int(first), signal.SIGKILL)
        time.sleep(0.2)
        [second] = extractor.extract(row).values
        assert second not in (first, None)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def ends(pid: int) -> bool:
    """Tell whether a process ends within a few seconds."""
    for _ in range(100):
        if not alive(pid):
            return True
        time.sleep(0.05)
    return False


def test_what_it_started_ends_with_it(tmp_path: Path) -> None:
    start = "import subprocess; child = subprocess.Popen(['sleep', '600'])"
    make(tmp_path, f"{start}\n(workspace / 'pid').write_text(str(child.pid))\nreturn {{'a': os.getpid()}}")
    found = collected(tmp_path)
    assert all(ends(int((tmp_path / f"row_{number}/pid").read_text())) for number in range(ROWS))
    assert ends(int(found[0].values[0]))


OWNER = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from genstudy.results.extract import Extractor
from tests.results.extracting import STEPS, settings
folder = Path(sys.argv[2])
source = settings({"python": "measure:results", "columns": ["a"]})
with Extractor(source, STEPS, folder) as extractor:
    extractor.extract({"one": str(folder / "row_0")})
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux")
def test_it_dies_with_its_owner(tmp_path: Path) -> None:
    make(tmp_path, "(workspace / 'pid').write_text(str(os.getpid()))\nwhile True: pass")
    root = str(Path(__file__).parents[2])
    owner = subprocess.Popen([sys.executable, "-c", OWNER, root, str(tmp_path)])
    file = tmp_path / "row_0/pid"
    try:
        for _ in range(400):
            if file.exists() and file.read_text():
                break
            time.sleep(0.05)
        worker = int(file.read_text())
        assert alive(worker)
    finally:
        owner.kill()
        owner.wait()
    assert ends(worker)


def test_the_campaigns_folder_comes_first(tmp_path: Path) -> None:
    make(tmp_path, "return {'a': colorsys.VALUE}", head="import colorsys")
    (tmp_path / "colorsys.py").write_text("VALUE = 7")
    assert collected(tmp_path)[0] == ((7.0,), {})


def test_a_module_of_a_package(tmp_path: Path) -> None:
    (tmp_path / "lab").mkdir()
    (tmp_path / "lab/__init__.py").touch()
    (tmp_path / "lab/measure.py").write_text("def results(workspace): return {'a': 5}")
    found = settings({"python": "lab.measure:results", "columns": ["a"]})
    with Extractor(found, STEPS, tmp_path) as extractor:
        assert extractor.extract({"one": str(tmp_path / "row_0")}) == ((5.0,), {})
        before = extractor.digest
    (tmp_path / "lab/measure.py").write_text("def results(workspace): return {'a': 6}")
    assert Extractor(found, STEPS, tmp_path).digest != before


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (None, "ModuleNotFoundError: No module named 'measure'"),
        ("def other(workspace): pass", "AttributeError: there is no function 'results' in measure"),
        ("results = 3", "AttributeError: there is no function 'results' in measure"),
        (
            "def result(w): pass",
            "AttributeError: there is no function 'results' in measure (did you mean 'result'?)",
        ),
        ("import nowhere_at_all", "ModuleNotFoundError: No module named 'nowhere_at_all'"),
        ("def results(:", "SyntaxError: invalid syntax (measure.py, line 1)"),
        ("raise RuntimeError('no licence')", "RuntimeError: no licence"),
        ("import sys; sys.exit(4)", "SystemExit: 4"),
        ("import os; os._exit(4)", "it ended its process with exit code 4"),
    ],
)
def test_modules_that_cannot_be_imported(tmp_path: Path, text: str | None, told: str) -> None:
    if text is not None:
        (tmp_path / "measure.py").write_text(text)
    with pytest.raises(ResultsMistake) as caught:
        collected(tmp_path)
    assert str(caught.value).splitlines()[0] == f"results.sources.0.python: measure:results: {told}"


def children() -> set[str]:
    """Return the numbers of this process's children, of those too that ended and nobody waited for."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            if path.read_text().rpartition(")")[2].split()[1] == str(os.getpid()):
                found.add(path.parent.name)
    return found


def test_no_process_is_left_and_no_socket(tmp_path: Path) -> None:
    before = len(list(Path("/proc/self/fd").iterdir())), children()
    make(tmp_path, "return {'a': n}")
    collected(tmp_path)
    (tmp_path / "measure.py").write_text("raise RuntimeError")
    with pytest.raises(ResultsMistake):
        collected(tmp_path)
    assert (len(list(Path("/proc/self/fd").iterdir())), children()) == before
