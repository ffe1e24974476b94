"""The archive of a batch that Maestro ran: writing it against tar, reading one file against unpacking it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from timing import (
    Command,
    Result,
    check,
    genstudy,
    median,
    program,
    script,
    seconds,
    take_turns,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from timing import Bench, Run

ROWS = 4000
ROUNDS = 15
DISK = 10**9
MOST, LEAST = 1.5, 50


def _study(bench: Bench) -> Path:
    """Have Maestro run a batch: for each row a folder with a script, its output, and a file for errors."""
    rows = str(bench.size(ROWS))
    table, campaign, study = (bench.folder / name for name in ("table.csv", "specs", "study_0000.1"))
    made = genstudy("csv", "a", "b", "-n", rows, "--seed", "1", "-o", table)
    Command(argv=made, folder=bench.folder).run()
    Command(argv=genstudy("specs", table, "-b", rows, "-o", campaign), folder=bench.folder).run()
    spec, pgen = next(campaign.glob("*.yaml")), campaign / "pgen.py"
    argv = [script("maestro"), "run", "-fg", "-y", "-s", "0", "-o", study, spec, "--pgen", pgen]
    Command(argv=list(map(str, argv)), folder=bench.folder).run()
    entries = 1 + sum(1 for _ in study.rglob("*"))
    check(entries > 4 * bench.size(ROWS), f"the study has {entries} files and folders")
    return study


def _printed(run: Run) -> Any:
    return json.loads(run.output)


def _write(runs: Sequence[Run]) -> float:
    return float(_printed(runs[0])["write"])


def _verify(runs: Sequence[Run]) -> float:
    return float(_printed(runs[0])["verify"])


def measure_archive(bench: Bench) -> Iterator[Result]:
    """Compare the time of the call, which checks and syncs what it writes, with tar's, which does neither."""
    bench.need(disk=DISK)
    study = _study(bench)
    ours, theirs = bench.folder / "ours.tar.zst", bench.folder / "theirs.tar.zst"
    tar = ["tar", "--zstd", "-cf", str(theirs), "-C", str(bench.folder), study.name]
    commands = [
        Command(argv=program("write_archive.py", study, ours), folder=bench.folder, makes=[ours]),
        Command(argv=tar, folder=bench.folder, makes=[theirs]),
    ]
    found = take_turns(commands, bench.rounds(ROUNDS))
    entries = _printed(found[0][0])["entries"]
    check(_listed(bench, ours) == _listed(bench, theirs), "the two archives have other members")
    sizes = " against ".join(f"{path.stat().st_size / 1e6:.2f} MB" for path in (ours, theirs))
    yield Result(
        what=f"archive of {entries:,} files and folders, with checksums, index and fsync, against tar --zstd",
        detail=(
            f"{seconds(median(found, _write))} against {seconds(median(found, lambda runs: runs[1].wall))}, "
            f"{sizes}; reading it all back takes {seconds(median(found, _verify))}, "
            f"and with the start of Python it is {seconds(median(found, lambda runs: runs[0].wall))} in all"
        ),
        figures=[_write(runs) / runs[1].wall for runs in found],
        limit=MOST,
    )


def _listed(bench: Bench, archive: Path) -> set[str]:
    listed = Command(argv=["tar", "--zstd", "-tf", str(archive)], folder=bench.folder).run().output
    return set(listed.splitlines())


def measure_fetch(bench: Bench) -> Iterator[Result]:
    """Compare reading one row's script out of an archive with unpacking all of it."""
    bench.need(disk=DISK)
    study = _study(bench)
    archive, out = bench.folder / "ours.tar.zst", bench.folder / "out"
    wrote = Command(argv=program("write_archive.py", study, archive), folder=bench.folder).run()
    row = bench.size(ROWS) // 3
    wanted = next(study.glob(f"*/row_{row}/*.sh"))
    member = f"{study.name}/{wanted.relative_to(study)}"
    commands = [
        Command(
            argv=["tar", "--zstd", "-xf", str(archive), f"--one-top-level={out}"],
            folder=bench.folder,
            makes=[out],
        ),
        Command(argv=program("read_member.py", archive, member), folder=bench.folder),
    ]
    found = take_turns(commands, bench.rounds(ROUNDS))
    check(_printed(found[0][1])["text"] == wanted.read_text(encoding="utf-8"), "another text was read")
    check((out / member).read_bytes() == wanted.read_bytes(), "tar unpacked another text")
    yield Result(
        what=f"tar -x of {_printed(wrote)['entries']:,} files and folders, against reading one of them",
        detail=(
            f"{seconds(median(found, lambda runs: runs[0].wall))} against {seconds(median(found, _read))}; "
            f"as a process of its own {seconds(median(found, lambda runs: runs[1].wall))}"
        ),
        figures=[runs[0].wall / _read(runs) for runs in found],
        limit=LEAST,
        least=True,
    )


def _read(runs: Sequence[Run]) -> float:
    return float(_printed(runs[1])["seconds"])
