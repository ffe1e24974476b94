"""`--scheduler` and `--job`, as several commands take them."""

from __future__ import annotations

from typing import Annotated

import typer

from genstudy.cli.completion import schedulers

SchedulerOption = Annotated[
    str | None,
    typer.Option(
        "--scheduler",
        metavar="TYPE",
        help="What runs the rows: slurm, flux, lsf; or local.",
        autocompletion=schedulers,
    ),
]
JobOption = Annotated[
    list[str] | None,
    typer.Option(
        "--job", metavar="KEY=VALUE", help="What a job asks for: queue=debug, walltime=1h, procs=4, ..."
    ),
]
