"""Results of a campaign collected into a database, against a bare loop that loads the same JSON files."""

from __future__ import annotations

import json
import statistics
from typing import TYPE_CHECKING

from timing import Command, Result, Skipped, check, genstudy, program, seconds

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from timing import Bench

ROWS, KEYS = 10_000, 10
ROUNDS = 9
DISK = 10**9
MOST = {"sqlite": 1.5, "postgresql": 2.0}
TEMPLATE = """description:
    name: {{ batch.name | yaml }}
    description: A JSON file of each row.
study:
    - name: run
      description: d
      run:
          cmd: |
              model --width=$(WIDTH) --height=$(HEIGHT) --material=$(MATERIAL) --load=$(LOAD) > out.json
"""
LAWS = ("width=uniform(1, 2)", "height=int(1, 100)", "material=choice(steel, brass)", "load=normal(5, 1)")


def _campaign(bench: Bench) -> Path:
    """Make a campaign of one batch, and what a run of it leaves."""
    rows, folder = str(bench.size(ROWS)), bench.folder / "specs"
    (bench.folder / "model.yaml.j2").write_text(TEMPLATE)
    columns = ", ".join(f"k{number}" for number in range(KEYS))
    results = f"results:\n  sources:\n    - json: out.json\n      columns: [{columns}]\n"
    (bench.folder / "results.yaml").write_text(results)
    for argv in (
        genstudy("csv", *LAWS, "-n", rows, "--seed", "1", "-o", "table.csv"),
        genstudy("specs", "table.csv", "-t", "model.yaml.j2", "-b", rows, "--results", "results.yaml"),
        program("make_runs.py", folder, str(KEYS)),
    ):
        Command(argv=argv, folder=bench.folder).run()
    return folder


def measure(bench: Bench) -> Iterator[Result]:
    """Compare both in one process, in which all that they need was imported and read before."""
    bench.need(disk=DISK)
    folder, rows = _campaign(bench), bench.size(ROWS)
    for system, limit in MOST.items():
        argv = program("collect_runs.py", folder, str(bench.rounds(ROUNDS)), system)
        found = json.loads(Command(argv=argv, folder=bench.folder).run().output)
        if found is None:
            raise Skipped("PostgreSQL is not installed")
        total = sum(row * 1.1 + 3 for row in range(rows))
        check(found["rows"] == rows, f"the table has {found['rows']} rows")
        check(abs(found["sum"] - total) < 1e-6 * total, f"the sum of k3 is {found['sum']}")
        bare, ours = (statistics.median(times) for times in zip(*found["rounds"], strict=True))
        yield Result(
            what=f"{KEYS} keys of {rows:,} JSON files into {system}, against json.load of each",
            detail=f"{seconds(ours)} against {seconds(bare)}, {1e6 * ours / rows:.1f} us a row",
            figures=[both[1] / both[0] for both in found["rounds"]],
            limit=limit,
        )
