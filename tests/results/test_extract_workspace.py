"""Which file a result is read from: never one outside of the workspace, never one that hangs."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from genstudy.results.extract import Extractor
from genstudy.specs.manifest import StepEntry
from genstudy.specs.results_check import ResultsMistake
from tests.results.extracting import STEPS, extract, from_text, reason, settings

JSON = '{"a": 1}'


@pytest.fixture
def row(tmp_path: Path) -> Path:
    folder = tmp_path / "row_1"
    folder.mkdir()
    return folder


def a_of(row: Path, target: str) -> float:
    found = extract(row, {"json": target, "columns": ["a"]})
    assert found.errors == {}
    [value] = found.values
    assert isinstance(value, float)
    return value


def why(row: Path, target: str) -> str:
    """Return the reason why there is neither a value nor a size, which is the same."""
    told = reason(extract(row, {"json": target, "columns": ["a"]}))
    assert reason(extract(row, {"size": target, "columns": ["a"]})) == told
    return told


@pytest.mark.parametrize(
    ("target", "name"),
    [
        ("out.json", "out.json"),
        ("./out.json", "out.json"),
        ("sub/deep/out.json", "sub/deep/out.json"),
        ("*.out", "one_row_7.4711.out"),
        ("out?.json", "out7.json"),
        ("out[0-9].json", "out7.json"),
        ("out[[]1].json", "out[1].json"),
        ("run_*/out.json", "run_3/out.json"),
        ("sub/*", "sub/x"),
        (".*.json", ".hidden.json"),
        ("a b\n*", "a b\nc"),
        ("é*", "é1"),
    ],
)
def test_paths_and_patterns(row: Path, target: str, name: str) -> None:
    path = row / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(JSON)
    (row / "unlike").mkdir()
    (row / "unlike/other.txt").write_text("no")
    (row / ".out").write_text("no")
    assert a_of(row, target) == 1.0


def test_several_files_match(row: Path) -> None:
    for name in ("a.json", "b.json", ".hidden.json"):
        (row / name).write_text(JSON)
    (row / "folder.json").mkdir()
    assert why(row, "*.json") == "2 files match *.json"
    assert why(row, "*.yaml") == "no file *.yaml"
    assert why(row, "*/x.yaml") == "no file */x.yaml"


def test_what_is_no_file(row: Path) -> None:
    (row / "folder").mkdir()
    os.mkfifo(row / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        here = Path.cwd()
        os.chdir(row)
        try:
            listener.bind("socket")
        finally:
            os.chdir(here)
    for name in ("folder", "pipe", "socket"):
        assert why(row, name) == f"not a file: {name}"
        assert why(row, f"{name}/x") == f"no file {name}/x"
    assert why(row, "p*e") == "not a file: p*e"
    assert why(row, "none") == "no file none"
    assert why(row, "none/x.json") == "no file none/x.json"
    assert why(row, "x" * 255) == f"no file {'x' * 255}"


def test_a_pipe_with_a_writer_is_not_read(row: Path) -> None:
    os.mkfifo(row / "pipe")
    handle = os.open(row / "pipe", os.O_RDWR)
    try:
        os.write(handle, JSON.encode())
        assert why(row, "pipe") == "not a file: pipe"
    finally:
        os.close(handle)


@pytest.mark.skipif(os.getuid() != 0, reason="only root makes devices")
def test_devices_are_not_read(row: Path) -> None:
    try:
        os.mknod(row / "zero", 0o20666, os.makedev(1, 5))
        os.mknod(row / "null", 0o20666, os.makedev(1, 3))
        (row / "zero").open("rb").close()
    except PermissionError:
        pytest.skip("no devices can be made or opened here")
    assert why(row, "zero") == "not a file: zero"
    assert why(row, "null") == "not a file: null"


def test_links_are_followed_in_the_workspace_alone(row: Path) -> None:
    (row / "real").mkdir()
    (row / "real/out.json").write_text(JSON)
    (row / "link.json").symlink_to("real/out.json")
    (row / "chain.json").symlink_to("link.json")
    (row / "folder").symlink_to("real")
    (row / "full.json").symlink_to(row / "real/out.json")
    (row / "around.json").symlink_to(f"../{row.name}/real/out.json")
    for name in ("link.json", "chain.json", "folder/out.json", "full.json", "around.json", "l*.json"):
        assert a_of(row, name) == 1.0
        assert extract(row, {"size": name, "columns": "n"}).values == (8,)


def test_links_out_of_the_workspace(row: Path) -> None:
    outside = row.parent / "row_10"
    outside.mkdir()
    (outside / "out.json").write_text(JSON)
    (row / "out.json").symlink_to("../row_10/out.json")
    (row / "folder").symlink_to(outside)
    (row / "chain.json").symlink_to("folder/out.json")
    (row / "null").symlink_to("/dev/null")
    (row / "up").symlink_to("..")
    for name in ("out.json", "folder/out.json", "chain.json", "null", "up/row_10/out.json", "o*.json"):
        assert why(row, name) == f"a link that leads out of the workspace: {name}"
    assert why(row, "f*/out.json") == "no file f*/out.json"
    # It leads back inside by a way that goes outside: where it ends is what counts.
    (row / "real.json").write_text(JSON)
    assert a_of(row, f"up/{row.name}/real.json") == 1.0


def test_links_to_nothing(row: Path) -> None:
    (row / "dangling.json").symlink_to("nowhere.json")
    (row / "loop.json").symlink_to("loop.json")
    assert why(row, "dangling.json") == "no file dangling.json"
    assert why(row, "loop.json") == "no file loop.json"


def test_the_campaign_may_be_reached_by_a_link(row: Path) -> None:
    (row / "real.json").write_text(JSON)
    (row / "link.json").symlink_to("real.json")
    (row.parent / "elsewhere").symlink_to(row.parent)
    assert a_of(row.parent / "elsewhere" / row.name, "link.json") == 1.0


PROBE = """
import json, os, sys
from pathlib import Path
from tests.results.extracting import extract
cases = json.loads(sys.argv[2])
def found():
    return [extract(Path(sys.argv[1]), {kind: name, "columns": ["a"]}) for kind, name in cases]
found()  # as the first user: what is imported on the way is there then
if os.getuid() == 0:
    os.setgid(65534); os.setuid(65534)
print(json.dumps([[one.values, one.errors] for one in found()]))
"""


def test_files_that_may_not_be_read() -> None:
    """In a process of another user, as root may read everything; so in a folder that all may enter."""
    with tempfile.TemporaryDirectory() as name:
        row = Path(name)
        row.chmod(0o755)
        (row / "secret.json").write_text(JSON)
        (row / "secret.json").chmod(0)
        (row / "closed").mkdir(mode=0)
        files = ("secret.json", "closed/out.json", "closed/*")
        cases = [*(("json", file) for file in files), ("size", "secret.json")]
        command = [sys.executable, "-c", PROBE, str(row), json.dumps(cases)]
        root = Path(__file__).parents[2]
        done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=root)
    denied = [[[None], {"a": f"cannot be read, permission denied: {file}"}] for file in files]
    assert json.loads(done.stdout) == [*denied, [[8], {}]]


def test_what_no_file_can_help_is_no_reason(row: Path) -> None:
    """A machine without descriptors left is no row's fault: nothing is taken for missing."""
    import resource

    (row / "out.json").write_text(JSON)
    extractor = Extractor(settings({"json": "out.json", "columns": ["a"]}), STEPS, row)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
    try:
        with pytest.raises(OSError, match="Too many open files"):
            extractor.extract({"one": str(row)})
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert extractor.extract({"one": str(row)}) == ((1.0,), {})


def test_no_file_stays_open(row: Path) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    (row / "large.json").write_text('{"a": [' + "1," * 10**5 + "1]}")
    (row / "bad.json").write_text("{" * 10**5)
    os.mkfifo(row / "pipe")
    names = ("large.json", "bad.json", "pipe", "none", "*.json", "sub/none")
    extract(row, *({"json": name, "columns": [f"c{place}"]} for place, name in enumerate(names)))
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def two_steps(*runs: str) -> list[StepEntry]:
    return [
        StepEntry.model_validate({"name": f"s{place}", "runs": kind, "funnel": False})
        for place, kind in enumerate(runs)
    ]


def test_steps_of_each_kind(row: Path) -> None:
    sources = [
        {"step": "s0", "json": "out.json", "columns": {"x": "a"}},
        {"json": "out.json", "columns": {"y": "a"}},
        {"step": "s2", "json": "out.json", "columns": {"z": "a"}},
    ]
    (row / "out.json").write_text(JSON)
    steps = two_steps("shared", "row", "batch")
    with Extractor(settings(*sources), steps, row) as extractor:
        assert extractor.steps == ("s0", "s1", "s2")
        assert extractor.columns == ("x", "y", "z")
        found = extractor.extract({"s0": str(row), "s1": None})
    assert found.values == (1.0, None, None)
    assert found.errors == {"y": "no workspace of s1", "z": "no workspace of s2"}


def test_steps_that_there_are_not(tmp_path: Path) -> None:
    sources = settings({"step": "s3", "json": "out.json", "columns": ["a"]})
    with pytest.raises(ResultsMistake, match=r"results\.sources\.0\.step: there is no step 's3'"):
        Extractor(sources, two_steps("row", "row"), tmp_path)


def test_which_files_are_wanted(tmp_path: Path) -> None:
    sources = [
        {"step": "s0", "json": "./sub/out.json", "columns": ["a"]},
        {"step": "s0", "regex": "*.out", "columns": ["b"]},
        {"step": "s1", "size": "run_*/m?sh", "columns": ["c"]},
    ]
    extractor = Extractor(settings(*sources), two_steps("row", "row", "row"), tmp_path)
    wanted = {
        (step, path)
        for step in ("s0", "s1", "s2")
        for path in (
            *("sub/out.json", "out.json", "a.out", ".out", "sub/a.out", "a.out/x", "run_1/mesh"),
            *("run_1/mess", "run_1/x/mesh", "mesh"),
        )
        if extractor.wants(step, path)
    }
    assert wanted == {("s0", "sub/out.json"), ("s0", "a.out"), ("s1", "run_1/mesh")}
    (tmp_path / "m.py").write_text("def f(w): return {}")
    function = settings({"step": "s1", "python": "m:f", "columns": ["a"]})
    extractor = Extractor(function, two_steps("row", "row"), tmp_path)
    assert extractor.wants("s1", "any/file")
    assert not extractor.wants("s0", "any/file")


def test_the_digest_is_about_what_comes_out(tmp_path: Path) -> None:
    def digest(*sources: dict[str, Any]) -> str:
        return Extractor(settings(*sources), STEPS, tmp_path).digest

    plain: dict[str, Any] = {"json": "out.json", "columns": ["a"]}
    same: dict[str, Any] = {
        "step": "one",
        "json": "out.json",
        "columns": {"a": {"key": "a", "type": "float"}},
    }
    assert digest(plain) == digest(same)
    others: list[dict[str, Any]] = [
        {"json": "out2.json", "columns": ["a"]},
        {"json": "out.json", "columns": ["b"]},
        {"json": "out.json", "columns": {"a": "b"}},
        {"json": "out.json", "columns": ["a"], "type": "int"},
        {"csv": "out.json", "columns": ["a"]},
        {"csv": "out.json", "columns": ["a"], "row": "first"},
        {"csv": "out.json", "columns": ["a"], "delimiter": ";"},
        {"regex": "out.json", "columns": ["a"]},
        {"regex": "out.json", "columns": ["a"], "match": "first"},
    ]
    assert len({digest(plain), *(digest(other) for other in others)}) == 1 + len(others)
    function: dict[str, Any] = {"python": "measure:f", "columns": ["a"]}
    (tmp_path / "measure.py").write_text("def f(w): return {'a': 1}")
    first = digest(function)
    (tmp_path / "measure.py").write_text("def f(w): return {'a': 2}")
    assert digest(function) != first


def test_reading_changes_nothing(row: Path) -> None:
    from_text(row, JSON, json="out.json", columns=["a"])
    assert sorted(path.name for path in row.parent.rglob("*")) == ["out.json", "row_1"]
