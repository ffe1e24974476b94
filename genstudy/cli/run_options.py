"""The options by which a campaign is run, as several commands take them."""

from __future__ import annotations

from typing import Annotated

import typer

Jobs = Annotated[
    int | None, typer.Option("-j", "--jobs", help="Batches at a time (1). A local batch uses one core.")
]
MaxBatches = Annotated[int | None, typer.Option("--max-batches", help="Begin no more than these, then end.")]
Canary = Annotated[
    int | None,
    typer.Option("--canary", help="Run these many rows first, and show what all of them will take."),
]
Save = Annotated[
    str | None,
    typer.Option("--save", help="keep, archive (default) or move: what becomes of a batch's files."),
]
To = Annotated[str | None, typer.Option("--to", help="The folder of the archives, or of what is moved.")]
KeepFailed = Annotated[
    bool | None,
    typer.Option("--keep-failed/--clear-failed", help="Failed rows' workspaces stay, or go too."),
]
Before = Annotated[str | None, typer.Option("--before", help="A command before each batch.")]
After = Annotated[str | None, typer.Option("--after", help="A command after each batch, before it is saved.")]
Timeout = Annotated[
    str | None, typer.Option("--timeout", help="The longest a study of a batch may take: 90s, 15m, 2h.")
]
MaxFiles = Annotated[
    int | None, typer.Option("--max-files", help="The most files and folders the campaign may have.")
]
MinFree = Annotated[str | None, typer.Option("--min-free", help="What stays free on the disk, such as 10G.")]
MinFreeFiles = Annotated[
    int | None, typer.Option("--min-free-files", help="Inodes that stay free on the disk.")
]
MaxFailures = Annotated[
    int | None, typer.Option("--max-failures", help="End once more rows than these failed.")
]
MaxFailureRate = Annotated[
    float | None, typer.Option("--max-failure-rate", help="End once a larger share failed, 0 to 1.")
]
Throttle = Annotated[int | None, typer.Option("--throttle", help="Maestro's: jobs in the queue at a time.")]
Attempts = Annotated[int | None, typer.Option("--attempts", help="Maestro's: tries to submit a step.")]
Rlimit = Annotated[int | None, typer.Option("--rlimit", help="Maestro's: restarts of a step.")]
Sleep = Annotated[int | None, typer.Option("--sleep", help="Seconds between Maestro's looks at its jobs.")]
PassEnv = Annotated[
    list[str] | None,
    typer.Option("--pass-env", help="A variable that reaches the steps though it looks like a secret."),
]
