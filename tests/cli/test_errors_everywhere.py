"""Every mistake of a user: exit code 2, one message on stderr, no traceback, nothing written."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import genstudy
from genstudy.errors import GenstudyError
from tests.conftest import RunCli

TABLES = {
    "good.csv": b"a,b\n1,2\n3,4\n",
    "unsafe.csv": b"a,b\n1,$(rm)\n",
    "empty.csv": b"",
    "header.csv": b"a,b\n",
    "ragged.csv": b"a,b\n1,2\n3\n",
    "twice.csv": b"a,a\n1,2\n",
    "case.csv": b"a,A\n1,2\n",
    "latin.csv": b"a,b\n1,\xe9\n",
    "reserved.csv": b"workspace,b\n1,2\n",
    "noname.csv": b"a,\n1,2\n",
    "strange.csv": b"a,b c\n1,2\n",
    "missing.csv": b"a,b\n1,\n",
    "nan.csv": b"a,b\n1,nan\n",
    "control.csv": b"a,b\n1,\x07\n",
    "broken.csv": b'a,b\n1,"x\ny"\n',
    "open.csv": b'a,b\n1,"x\n',
    "ids.csv": b"id,a\nx,1\nx,2\n",
    "badid.csv": b"id,a\n../x,1\n",
    "damaged.csv.gz": b"\x1f\x8b\x08\x00nothing",
    "damaged.parquet": b"PAR1nothing",
    "table.txt": b"a\n1\n",
}
TEMPLATES = {
    "undefined.j2": "{{ bacth }}",
    "syntax.j2": "{% if %}",
    "notyaml.j2": "a: [",
    "nostep.j2": "description: {name: x, description: y}\nstudy: []\n",
    "latin.j2": "\xff",
    "unsafe.j2": "{{ ''.__class__ }}",
    "loop.j2": '{% include "loop.j2" %}',
    "bare.j2": '{% extends "echo" %}{% block steps %}'
    "    - {name: one, description: x, run: {cmd: 'echo $(B)'}}\n{% endblock %}",
    "octal.j2": '{% extends "echo" %}{% block description %}010{% endblock %}',
}
STUDIES = {
    "unknown.yaml": "parameters: {a: 1}\nrwos: 3\n",
    "twice.yaml": "parameters: {a: 1}\nrows: 3\nrows: 4\n",
    "nolaw.yaml": "parameters: {a: unifrom(1, 2)}\n",
    "wrong.yaml": "parameters: {a: 1}\nrows: none\n",
    "notyaml.yaml": "a: [\n",
    "empty.yaml": "",
    "fine.yaml": "parameters: {a: }\n",
    ".hidden.yaml": "parameters: {a: }\n",
    "victim.yaml": "parameters: {a: }\nname: ../../victim\n",
    "itself.yaml": "parameters: {a: }\nset: &x {y: *x}\n",
}


@pytest.fixture(autouse=True)
def files(in_tmp: Path) -> None:
    for name, data in TABLES.items():
        (in_tmp / name).write_bytes(data)
    for name, text in {**TEMPLATES, **STUDIES}.items():
        (in_tmp / name).write_bytes(text.encode("latin-1"))
    (in_tmp / "folder.csv").mkdir()


def snapshot() -> dict[str, bytes | None]:
    """Return everything in the working directory, hidden or not."""
    return {str(path): path.read_bytes() if path.is_file() else None for path in sorted(Path().rglob("*"))}


GOOD = ("specs", "good.csv")
MISTAKES = [
    *(("specs", name) for name in TABLES if name not in {"good.csv", "unsafe.csv", "ids.csv", "badid.csv"}),
    ("specs", "none.csv"),
    ("specs", "no/none.csv"),
    ("specs", "folder.csv"),
    ("specs", "."),
    ("specs", "ids.csv", "-i", "id"),
    ("specs", "badid.csv", "-i", "id"),
    ("specs", "good.csv", "-i", "zz"),
    ("specs", "good.csv", "--index", "zz", "--dry-run"),
    *((*GOOD, "-t", name) for name in TEMPLATES if name != "bare.j2"),
    ("specs", "unsafe.csv", "-t", "bare.j2"),
    ("specs", "unsafe.csv", "--inline"),
    (*GOOD, "-t", "ehco"),
    (*GOOD, "-t", "folder.csv"),
    (*GOOD, "-t", "command"),
    (*GOOD, "--set", "nope=1"),
    (*GOOD, "--set", "nope"),
    (*GOOD, "--set", "run=3"),
    (*GOOD, "--set", "batch=slurm"),
    (*GOOD, "--set", 'batch={"type": 3}'),
    (*GOOD, "--set", 'batch={"type": "slurm"}'),
    (*GOOD, "-t", "command", "--set", "command=ls", "--set", "style=zz"),
    (*GOOD, "-t", "command", "--set", "command=ls $(NOPE)"),
    (*GOOD, "-t", "command", "--set", "command=ls", "--set", 'run={"cmd": 3}'),
    (*GOOD, "-t", "input-deck", "--set", "command=ls", "--set", "deck=none"),
    (*GOOD, "-t", "input-deck", "--set", "command=ls", "--set", "deck=3"),
    (*GOOD, "-t", "input-deck", "--set", "command=ls", "--set", "deck=folder.csv"),
    (*GOOD, "-b", "0"),
    (*GOOD, "--batches", "0"),
    (*GOOD, "--batches", "3"),
    (*GOOD, "--batches", "1", "-b", "1"),
    (*GOOD, "--start", "2"),
    (*GOOD, "--start", "-1"),
    (*GOOD, "--rows", "0"),
    (*GOOD, "--rows", "3"),
    (*GOOD, "--name", "a/b"),
    (*GOOD, "-o", "no/out"),
    (*GOOD, "-o", "folder.csv"),
    (*GOOD, "-o", "folder.csv", "--force"),
    (*GOOD, "-o", "good.csv"),
    (*GOOD, "-o", "good.csv", "--force"),
    (*GOOD, "-o", "/proc/out"),
    (*GOOD, "--reference", "--inline"),
    *(("build", name) for name in STUDIES if name != "fine.yaml"),
    ("build", "none.yaml"),
    ("build", "folder.csv"),
    ("build", "fine.yaml", "--design", "sobl"),
    ("build", "fine.yaml", "-n", "0"),
    ("build", "fine.yaml", "--seed", "-1"),
    ("build", "fine.yaml", "--round", "99"),
    ("build", "fine.yaml", "b=zz("),
    ("build", "fine.yaml", "b c"),
    ("build", "fine.yaml", "--where", "zz < 3"),
    ("build", "fine.yaml", "--derive", "zz"),
    ("build", "fine.yaml", "--derive", "b=a", "--derive", "b=a"),
    ("build", "fine.yaml", "--name", "../victim"),
    ("build", "fine.yaml", "-o", "caf\udce9"),
    ("build", "fine.yaml", "-t", "command", "--set", "command=caf\udce9"),
    ("specs", "caf\udce9.csv"),
    (*GOOD, "-o", "caf\udce9"),
    (*GOOD, "-o", "n" * 254),
    ("init", "/proc/x.yaml"),
    ("templates", "copy", "echo", "/proc/x.yaml"),
    ("build", "fine.yaml", "-t", "zz"),
    ("build", "fine.yaml", "-o", "no/out"),
    ("build", "fine.yaml", "-o", "folder.csv"),
    ("build", "fine.yaml", "-o", "folder.csv", "--force"),
    ("init", "fine.yaml"),
    ("init", "no/x.yaml"),
    ("init", "folder.csv"),
    ("templates", "show", "zz"),
    ("templates", "copy", "zz"),
    ("templates", "copy", "echo", "fine.yaml"),
    ("templates", "copy", "echo", "no/x"),
    *(("templates", "check", name) for name in TEMPLATES if name != "bare.j2"),
    ("templates", "check", "zz"),
    ("templates", "check", "echo", "-p", "a b"),
    ("templates", "check", "echo", "-p", "a", "-p", "a"),
    ("templates", "check", "echo", "--table", "ragged.csv"),
    ("demo", "-o", "folder.csv"),
    ("demo", "-o", "no/out"),
]


@pytest.mark.parametrize("arguments", MISTAKES, ids=lambda words: ascii(" ".join(words))[:99])
def test_a_mistake_ends_in_one_message(run_cli: RunCli, arguments: tuple[str, ...]) -> None:
    before = snapshot()
    code, out, err = run_cli(*arguments)
    assert (code, out) == (2, "")
    assert err.startswith("genstudy: ")
    assert err.count("genstudy: ") == 1
    assert "Traceback" not in err
    assert "\n  File " not in err
    assert snapshot() == before


@pytest.mark.parametrize(
    "arguments",
    [
        ("nope",),
        (*GOOD, "-b", "x"),
        (*GOOD, "--nope"),
        (*GOOD, "more"),
        ("schema", "nope"),
        ("schema",),
        ("build", "fine.yaml", "-n", "x"),
        ("templates", "nope"),
    ],
    ids=" ".join,
)
def test_a_command_line_that_cannot_be_read_shows_its_usage(
    run_cli: RunCli, arguments: tuple[str, ...]
) -> None:
    before = snapshot()
    code, out, err = run_cli(*arguments)
    assert (code, out) == (2, "")
    assert err.startswith("Usage: genstudy ")
    assert "\nError: " in err
    assert "Traceback" not in err
    assert snapshot() == before


def run(*arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # type: ignore[call-overload, no-any-return]
        [sys.executable, "-m", "genstudy", *arguments], text=True, check=False, capture_output=True, **options
    )


def test_the_command_itself() -> None:
    done = run("specs", "ragged.csv")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "genstudy: ragged.csv, row 1 (line 3): the row has 1 cells, the header has 2\n"
        "  mend the row; a comma inside a value needs quotes around the value\n"
    )
    done = run("--version")
    assert (done.returncode, done.stdout.split()[:2], done.stderr) == (
        0,
        ["genstudy", genstudy.__version__],
        "",
    )


def test_a_reader_that_goes_away_is_no_mistake() -> None:
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "wb") as gone:
        done = subprocess.run(
            [sys.executable, "-m", "genstudy", "schema", "manifest"],
            stdout=gone,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert (done.returncode, done.stderr) == (1, "")


def test_other_errors_of_the_tool_have_their_own_exit_code(
    run_cli: RunCli, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_old(package: str) -> str:
        return "1.1.9" if package == "maestrowf" else ""

    from genstudy.maestro import version as maestro

    monkeypatch.setattr(maestro, "version", too_old)
    maestro.check_version.cache_clear()
    try:
        assert run_cli(*GOOD) == (
            GenstudyError.exit_code,
            "",
            (
                "genstudy: maestrowf 1.1.9 is too old: pip install 'maestrowf>=1.2.1'\n"
                "  earlier versions sleep after every step and mix up parameters such as P1 and P10\n"
            ),
        )
    finally:
        maestro.check_version.cache_clear()


def test_a_fault_of_the_tool_keeps_its_traceback(run_cli: RunCli, monkeypatch: pytest.MonkeyPatch) -> None:
    def fault(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("genstudy.specs.make.make_specs", fault)
    with pytest.raises(ZeroDivisionError):
        run_cli(*GOOD)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("ignored", [False, True])
def test_a_signal_leaves_nothing_half_done(number: signal.Signals, ignored: bool) -> None:
    code = f"""
import os, signal, sys
signal.signal({int(number)}, signal.SIG_IGN if {ignored} else signal.SIG_DFL)
from genstudy.cli import app
from genstudy.specs import make
write = make.write_campaign
def interrupted(*given, **more):
    os.kill(os.getpid(), {int(number)})
    return write(*given, **more)
make.write_campaign = interrupted
sys.argv[1:] = ["specs", "good.csv", "-o", "out"]
app.main()
"""
    before = snapshot()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    if ignored:
        assert done.returncode == 0
        assert Path("out/manifest.json").is_file()
    else:
        assert done.returncode == 128 + number
        assert snapshot() == before


def test_names_that_the_terminal_cannot_show() -> None:
    done = run("csv", "a", "-n", "2", "-o", "\xe91.csv", env={**os.environ, "PYTHONIOENCODING": "ascii"})
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("\\xe91.csv: 2 rows")
    done = run("csv", "-n", "2", "-o", "no/\xe91.csv", env={**os.environ, "PYTHONIOENCODING": "ascii"})
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_no_streams_at_all() -> None:
    code = "import sys; sys.stdout = sys.stderr = None; sys.argv[1:] = ['csv', 'a']\n"
    code += "from genstudy.cli.app import main; main()"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
    assert Path("params.csv").is_file()
