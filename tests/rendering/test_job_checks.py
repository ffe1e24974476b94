"""What is told of a specification for a scheduler before Maestro takes it without a word."""

from __future__ import annotations

import pytest

from tests.rendering.support import checked, refusal

BATCH = "batch: {type: %s, host: '', bank: b, queue: q}\n"
SET = "set -euo pipefail\n        "


def spec(run: str, *, batch: str = BATCH % "slurm", cmd: str = "echo $(WIDTH)", step: str = "one") -> str:
    return (
        f"description: {{name: x, description: x}}\n{batch}study:\n  - name: {step}\n    description: x\n"
        f"    run:\n      cmd: |\n        {cmd}\n      {run}\n"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            spec("procs: 1", batch="batch: {type: slurm, host: h}\n"),
            "the batch block for slurm lacks bank, queue\n  Maestro dies on the first job without it; ",
        ),
        (
            spec("procs: 1", batch="batch: {type: lsf, host: h, bank: '', queue: q}\n"),
            "the batch block for lsf lacks bank\n  Maestro would write the option without a value",
        ),
        (
            spec("procs: 1", batch="batch: {type: slurmm}\n"),
            "there is no scheduler 'slurmm' (did you mean 'slurm'?)\n",
        ),
        (
            spec("depends: []"),
            "the batch block is for slurm, but no step has nodes or procs: ",
        ),
        (
            spec("nodes: 2", cmd="$(LAUNCHER) code $(WIDTH)"),
            "a command that has no number of processes\n  write procs: 2 too",
        ),
        (
            spec("procs: 2", cmd="$(LAUNCHER)[4p] code $(WIDTH)"),
            "Maestro would die on this step once it is run: ",
        ),
        (
            spec("procs: 2", cmd="$(LAUNCHER)[1n, 2p] code $(WIDTH)"),
            "Maestro would die on this step once it is run: ",
        ),
        (
            spec("procs: 2", step="one (a)"),
            "the step's name has '(', which a shell reads",
        ),
        (
            spec("procs: 2").replace("description: x\n    run", 'description: say "hi"\n    run'),
            "the description has a double quote, a backslash or a quoted value, and sbatch",
        ),
        (
            spec("nodes: 1", batch=BATCH % "lsf"),
            "a job of lsf lacks procs, walltime\n  Maestro would die on it",
        ),
        (
            spec("nodes: 1\n      procs: 1\n      walltime: 90", batch=BATCH % "lsf"),
            "Maestro dies on the walltime 90, which is a number\n  write hours:minutes in quotes",
        ),
        (spec("procs: 1\n      walltime: 1:30:00"), "YAML 1.1 reads 1:30:00 as 5400\n  put it in quotes"),
    ],
)
def test_what_would_fail_or_never_end_is_refused(text: str, message: str) -> None:
    said = refusal(lambda: checked(text))
    assert message in said


@pytest.mark.parametrize(
    ("text", "notes"),
    [
        (spec("procs: 4"), []),
        (spec("procs: 4\n      walltime: '1:30:00'"), []),
        (spec("nodes: 2\n      procs: 2"), []),
        (spec("nodes: 2\n      procs: 4\n      exclusive: true"), []),
        (spec("nodes: 2\n      procs: 4", cmd="#SBATCH --ntasks=4\n        echo $(WIDTH)"), []),
        (spec("nodes: 2\n      procs: 4", batch=BATCH[:-2] % "slurm" + ", procs: 4}\n"), []),
        (
            spec("nodes: 2\n      procs: 4"),
            ["step 'one': of nodes and procs together Maestro asks Slurm"],
        ),
        (
            spec("procs: 1\n      cores per task: 4"),
            ["step 'one': cores per task reach srun, not the job"],
        ),
        (spec("procs: 1\n      cores per task: 4", cmd="#SBATCH -c 4\n        echo $(WIDTH)"), []),
        (
            spec("procs: 1", cmd="false\n        echo $(WIDTH)"),
            ["step 'one': only the last command's"],
        ),
        (
            spec("procs: 1", cmd="echo $(WIDTH) | cat"),
            ["step 'one': of a pipe only the last command's"],
        ),
        (spec("procs: 1", cmd=f"{SET}echo $(WIDTH) | cat || true"), []),
        (
            spec("procs: 1") + "  - name: two\n    description: x\n    run:\n      cmd: echo $(WIDTH)\n",
            ["no jobs, as they have neither nodes nor procs: two (some of them once a row)"],
        ),
        (spec("depends: []", batch="", cmd="false\n        echo $(WIDTH) | cat"), []),
    ],
)
def test_what_a_person_should_know_is_told(text: str, notes: list[str]) -> None:
    found = checked(text).notes
    assert [note[: len(expected)] for note, expected in zip(found, notes, strict=True)] == notes


def test_numbers_from_the_table_are_let_be() -> None:
    assert checked(spec("procs: $(HEIGHT)", cmd="$(LAUNCHER) code $(WIDTH)")).notes == ()


def test_a_setup_that_stops_at_errors_says_nothing_of_the_script() -> None:
    setup = "set -e\n        module load x\n        set +e\n        "
    assert [
        note[:45] for note in checked(spec("procs: 1", cmd=f"{setup}false\n        echo $(WIDTH)")).notes
    ] == ["step 'one': only the last command's exit stat"]
    assert checked(spec("procs: 1", cmd=f"{setup}{SET}false\n        echo $(WIDTH)")).notes == ()


@pytest.mark.parametrize("entry", ["walltime: '1:30 x'", "qos: 'a b'", "reservation: 'x;y'"])
def test_entries_of_a_step_that_a_shell_would_read_are_refused(entry: str) -> None:
    key = entry.partition(":")[0]
    assert f"step 'one': {key} has " in refusal(lambda: checked(spec(f"procs: 1\n      {entry}")))


def test_a_heterogeneous_job_is_refused() -> None:
    cmd = "#SBATCH -n 1\n        #SBATCH hetjob\n        echo $(WIDTH)"
    assert "a job cannot have 'hetjob': Maestro would not see the job" in refusal(
        lambda: checked(spec("procs: 1", cmd=cmd))
    )
