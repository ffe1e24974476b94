"""A dry run of Maestro with 300 parameters: our pgen against a plain one whose workspaces are hashed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from timing import PROGRAMS, Command, Result, check, genstudy, script, take_turns, wall_ratios, wall_times

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from timing import Bench

ROWS, PARAMETERS = 1000, 300
ROUNDS = 3
STEP = "echo-params"


def measure(bench: Bench) -> Iterator[Result]:
    """Compare the wall times of both, which make the same scripts."""
    rows = bench.size(ROWS, by=10)
    table, campaign = bench.folder / "table.csv", bench.folder / "specs"
    made = genstudy("csv", "--params", str(PARAMETERS), "-n", str(rows), "-i", "row", "-o", table)
    Command(argv=made, folder=bench.folder).run()
    cut = genstudy("specs", table, "-b", str(rows), "-o", campaign)
    Command(argv=cut, folder=bench.folder).run()
    spec = next(campaign.glob("*.yaml"))
    plain = bench.folder / "plain.yaml"
    plain.write_text(_plain(spec.read_text(encoding="utf-8")), encoding="utf-8")
    hashed = ["--hashws", "--pargs", f"CSV:{table}", "--pargs", "INDEX:row"]
    commands = [
        _dry_run(bench.folder / "ours", spec, campaign / "pgen.py"),
        _dry_run(bench.folder / "plain", plain, PROGRAMS / "howto_pgen.py", *hashed),
    ]
    found = take_turns(commands, bench.rounds(ROUNDS))
    scripts = [_scripts(command.makes[0]) for command in commands]
    check(len(scripts[0]) == len(scripts[1]) == rows, "a run has not a folder for each row")
    check(scripts[0] == scripts[1], "the two runs made different scripts")
    yield Result(
        what=f"maestro run --dry, {PARAMETERS} parameters x {rows:,} rows, against a plain pgen, --hashws",
        detail=wall_times(found),
        figures=wall_ratios(found),
        limit=1,
    )


def _dry_run(out: Path, spec: Path, pgen: Path, *options: str) -> Command:
    argv = [script("maestro"), "run", "--dry", "-fg", "-y", "-o", out, spec, "--pgen", pgen, *options]
    return Command(argv=list(map(str, argv)), folder=out.parent, makes=[out])


def _plain(text: str) -> str:
    """Return the specification with Maestro's own tokens, and without what our pgen reads in it."""
    lines = (line for line in text.splitlines(keepends=True) if "PARG_" not in line)
    return "".join(lines).replace(".quoted)", ")")


def _scripts(out: Path) -> list[str]:
    """Return the scripts of the step's folders, in order of their texts."""
    folders = [path for path in (out / STEP).iterdir() if path.is_dir()]
    return sorted(next(folder.glob("*.sh")).read_text(encoding="utf-8") for folder in folders)
