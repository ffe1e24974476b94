"""What a scheduler starts for each batch: `python -m genstudy.cli.task WAVE INDEX`.

WAVE is a wave's folder, INDEX counts its tasks from 0. SIGUSR1 says that the job's time is nearly up, SIGTERM
that it is taken away: either way what finished is recorded before this ends.
"""

from __future__ import annotations

import signal
import sys
from pathlib import Path

from genstudy.campaign.cluster.task import run_task
from genstudy.campaign.cluster.verdict import OUT_OF_TIME
from genstudy.campaign.stop import Stop
from genstudy.errors import GenstudyError, UserError


def main() -> int:
    """Run the task that the command line names; return an exit code."""
    stop = Stop()

    def end(number: int, _: object) -> None:
        stop.signal = number
        stop.at_once(signal.Signals(number).name)

    def out_of_time(*_: object) -> None:
        stop.out_of_time = True
        stop.at_once(OUT_OF_TIME)

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, end)
    signal.signal(signal.SIGUSR1, out_of_time)
    try:
        if len(sys.argv) != 3 or not sys.argv[2].isdecimal():
            raise UserError("a task takes its wave's folder and its number")
        report = run_task(Path(sys.argv[1]).absolute(), int(sys.argv[2]), stop=stop, tell=_tell)
    except GenstudyError as problem:
        print(f"genstudy: {problem}", file=sys.stderr, flush=True)
        return problem.exit_code
    except OSError as problem:
        place = f"{problem.filename}: " if problem.filename else ""
        print(f"genstudy: {place}{problem.strerror or problem}", file=sys.stderr, flush=True)
        return 1
    if stop.signal is not None:
        return 128 + stop.signal
    return int(report is not None and report.rows.pending > 0)


def _tell(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
