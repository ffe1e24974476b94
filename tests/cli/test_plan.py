"""`genstudy plan`: what it prints, and that its commands do what they say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from genstudy.planning.proposal import plan_batches
from tests.conftest import RunCli


@pytest.fixture(autouse=True)
def table(in_tmp: Path) -> None:
    (in_tmp / "t.csv").write_text("a,b\n" + "1,2\n" * 300)


def test_what_it_prints(run_cli: RunCli) -> None:
    code, out, err = run_cli("plan", "t.csv", "--max-files", 1000)
    assert (code, err) == (0, "")
    assert (
        out
        == """\
t.csv: 300 rows, template echo

a row              1 step x 4 files and folders of Maestro + 1 done mark = 5
a batch            22 more for its study, and 5 that stay: specification, log, row list, archive and one in the making
campaign           15 files and folders that belong to no batch
on disk            2 batches at a time: 1 runs, 1 is being saved; workspaces of failed rows come on top
--max-files 1,000  at most 92 rows a batch: 15 + 4 x 5 + 2 x 22 + 184 rows x 5 = 999

92 rows a batch: --max-files allows no more
4 batches, at most 999 files at a time

genstudy specs t.csv -b 92
genstudy run specs --max-files 1000
"""  # noqa: E501
    )


@pytest.mark.parametrize(
    ("arguments", "options"),
    [
        ([], {}),
        (["-t", "command", "--set", "command=ls"], {"template": "command", "variables": {"command": "ls"}}),
        (["--template", "echo"], {"template": "echo"}),
        (["--steps", "2"], {"steps": 2}),
        (["--max-bytes", "1G", "--bytes-per-row", "10M"], {"max_bytes": "1G", "bytes_per_row": "10M"}),
        (["--max-jobs", "20", "-j", "2"], {"max_jobs": 20, "jobs": 2}),
        (["--max-jobs", "20", "--jobs", "2"], {"max_jobs": 20, "jobs": 2}),
        (["--walltime", "1h", "--seconds-per-row", "2m"], {"walltime": "1h", "seconds_per_row": "2m"}),
        (["--save", "keep", "--files-per-row", "2.5"], {"save": "keep", "files_per_row": 2.5}),
    ],
)
def test_the_api_plans_the_same(run_cli: RunCli, arguments: list[str], options: dict[str, Any]) -> None:
    found = plan_batches("t.csv", **options)
    assert run_cli("plan", "t.csv", *arguments) == (
        0,
        "\n".join([*found.lines, "", *found.commands, ""]),
        "",
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["none.csv"], "genstudy: none.csv: there is no such table"),
        (["."], "genstudy: .: not a campaign"),
        (["t.csv", "--max-files", "10"], "genstudy: --max-files 10 files is too little"),
        (["t.csv", "--max-files", "0"], "genstudy: --max-files must be at least 1, not 0"),
        (["t.csv", "--max-bytes", "1G"], "genstudy: --max-bytes needs the bytes of a row"),
        (["t.csv", "--max-bytes", "much", "--bytes-per-row", "1"], "genstudy: 'much' is no size"),
        (["t.csv", "--walltime", "1h"], "genstudy: --walltime needs the time of a row"),
        (["t.csv", "--save", "all"], "genstudy: --save takes keep, archive, move, not 'all'"),
        (["t.csv", "-t", "ehco"], "genstudy: there is no template 'ehco' (did you mean 'echo'?)"),
        (["t.csv", "-t", "command"], "vars.command is not set"),
    ],
)
def test_mistakes(run_cli: RunCli, arguments: list[str], message: str) -> None:
    code, out, err = run_cli("plan", *arguments)
    assert (code, out) == (2, "")
    assert message in err
    assert "Traceback" not in err
