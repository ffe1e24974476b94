"""The benchmarks: `python benchmarks/run.py [NAME...] [--quick]`, or `nox -s bench`.

Each prints a line for every figure, with its target and whether it is reached. A missed target is no error;
the exit code is 1 where a command fails or makes something wrong.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import archives
import campaign_run
import collect
import control_plane
import csv_memory
import csv_polars
import csv_script
import help_startup
import maestro_dry
import pgen_seek
import pgen_whole
import plot_design
import query_memory
import report
import slurm_ways
import specs_batches
import status_batches
import why
from timing import Bench, Failed, Skipped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from timing import Result

BENCHMARKS: dict[str, Callable[[Bench], Iterator[Result]]] = {
    "csv-script": csv_script.measure,
    "csv-polars": csv_polars.measure,
    "csv-memory": csv_memory.measure,
    "query-memory": query_memory.measure,
    "specs-batches": specs_batches.measure,
    "status-batches": status_batches.measure,
    "control-plane": control_plane.measure,
    "why": why.measure,
    "report": report.measure,
    "pgen-seek": pgen_seek.measure,
    "pgen-whole": pgen_whole.measure,
    "plot-design": plot_design.measure,
    "help-startup": help_startup.measure,
    "maestro-dry": maestro_dry.measure,
    "archive": archives.measure_archive,
    "fetch": archives.measure_fetch,
    "collect": collect.measure,
    "run-overhead": campaign_run.measure_overhead,
    "run-jobs": campaign_run.measure_jobs,
    "slurm-ways": slurm_ways.measure,
}


def run_one(name: str, *, quick: bool) -> bool:
    """Run a benchmark in a folder of its own and print its results; tell whether nothing failed."""
    start = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="genstudy-bench-") as folder:
        try:
            for result in BENCHMARKS[name](Bench(folder=Path(folder), quick=quick)):
                print(f"{name:14}  {result.line(verdict=not quick)}", flush=True)
        except Skipped as reason:
            print(f"{name:14}  skipped: {reason}", flush=True)
        except Failed as problem:
            print(f"{name:14}  FAILED: {problem}", flush=True)
            return False
    print(f"{name:14}  done in {time.perf_counter() - start:.0f} s", file=sys.stderr, flush=True)
    return True


def main() -> int:
    """Run the benchmarks that the command line names, or all."""
    parser = argparse.ArgumentParser(description="Run the benchmarks; temporary files go where TMPDIR says.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"all, or: {', '.join(BENCHMARKS)}")
    parser.add_argument("--quick", action="store_true", help="small sizes and one round: a smoke run")
    options = parser.parse_args()
    unknown = [name for name in options.names if name not in BENCHMARKS]
    if unknown:
        parser.error(f"there is no benchmark {unknown[0]}; there are: {', '.join(BENCHMARKS)}")
    finished = [run_one(name, quick=options.quick) for name in options.names or BENCHMARKS]
    return 0 if all(finished) else 1


if __name__ == "__main__":
    sys.exit(main())
