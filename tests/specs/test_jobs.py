"""Specifications whose steps are jobs: what a scheduler's settings become in Maestro's own scripts.

Each built-in template is loaded by Maestro, and its adapter writes the scripts, which are compared with
tests/golden/steps.
After a change that is meant: pytest tests/specs/test_jobs.py --renew-golden
"""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from maestrowf.interfaces import ScriptAdapterFactory
from maestrowf.interfaces.script._flux.flux0_49_0 import FluxInterface_0490

from genstudy.maestro.specs import load_spec
from genstudy.rendering.templates import builtin_names
from genstudy.specs.jobs import job_view
from genstudy.specs.make import make_specs
from genstudy.specs.manifest import read_manifest
from genstudy.specs.options import Options
from genstudy.specs.scheduler import SchedulerSettings, choose_scheduler
from tests.conftest import RunCli
from tests.specs.support import make, refusal

pytestmark = pytest.mark.usefixtures("in_tmp")

GOLDEN = Path(__file__).parents[1] / "golden" / "steps"
VARIABLES: dict[str, dict[str, Any]] = {
    "echo": {},
    "command": {"command": "$(LAUNCHER) mycode"},
    "input-deck": {"deck": "model.in", "command": "$(LAUNCHER)[2n, 4p] mycode model.in"},
    "pipeline": {"simulate": "mycode input.json", "post": "ls", "tar": True, "jobs": ["gather"]},
}
SETTINGS: dict[str, dict[str, Any]] = {
    "slurm": {
        "nodes": 2,
        "procs": 4,
        "cores": 2,
        "gpus": 2,
        "memory": "4GB",
        "qos": "low",
        "exclusive": True,
    },
    "flux": {"nodes": 2, "procs": 4, "cores": 2, "queue": "debug"},
    "lsf": {"nodes": 2, "procs": 4, "cores": 2, "gpus": 4, "options": ["-alloc_flags smt4"]},
}
COMMON: dict[str, Any] = {
    "bank": "phys",
    "queue": "debug",
    "walltime": "1:30:00",
    "setup": "module load gcc\nmodule load mpi",
}


def settings(kind: str, **more: Any) -> SchedulerSettings:
    return said(type=kind, **{**COMMON, **SETTINGS[kind], **more})


def said(**settings: Any) -> SchedulerSettings:
    return SchedulerSettings.model_validate(settings)


def scripts(text: str, folder: Path) -> str:
    """Return the scripts that Maestro's own adapter writes for a specification, one after the other."""
    spec = load_spec(text, "here")
    batch = spec.data["batch"]
    adapter = ScriptAdapterFactory.get_adapter(batch["type"])(**batch)
    found = []
    for step in spec.loaded.get_study_steps():
        is_job, path, _ = adapter.write_script(str(folder), step)
        found.append(f"=== {Path(path).name}, {'a job' if is_job else 'no job'}\n{Path(path).read_text()}")
    return "".join(found)


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let Maestro's Flux adapter write scripts without a Flux: it asks it for its version and its queues."""
    monkeypatch.setattr(FluxInterface_0490, "flux_handle", SimpleNamespace(attr_get=lambda _: "0.49.0"))
    monkeypatch.setattr(FluxInterface_0490, "get_flux_version", classmethod(lambda _: "0.49.0"))
    monkeypatch.setattr(FluxInterface_0490, "get_broker_queues", classmethod(lambda _: ["debug"]))


@pytest.mark.usefixtures("broker")
@pytest.mark.parametrize("kind", SETTINGS)
@pytest.mark.parametrize("template", VARIABLES)
def test_the_whole_scripts(template: str, kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    Path("model.in").write_text("width = $(WIDTH)\n")
    Path("beam.csv").write_text("width\n1\n2\n")
    options = Options(template=template, variables=VARIABLES[template], scheduler=settings(kind))
    make_specs("beam.csv", "out", options)
    (tmp_path / "scripts").mkdir()
    found = scripts(Path("out/beam_0000.yaml").read_text(), tmp_path / "scripts")
    file = GOLDEN / f"{template}-{kind}.sh"
    if request.config.getoption("--renew-golden"):
        file.write_text(found)
    assert found == file.read_text()


def test_every_built_in_template_has_its_scripts() -> None:
    assert set(VARIABLES) == set(builtin_names())
    assert {path.stem for path in GOLDEN.iterdir()} == {f"{t}-{kind}" for t in VARIABLES for kind in SETTINGS}


@pytest.mark.parametrize(
    ("kind", "given", "message"),
    [
        (
            "slurm",
            {"limit": 3},
            "limit means nothing for steps that are jobs of slurm\n  it counts batches: ",
        ),
        (
            "slurm",
            {"script": "x.j2"},
            "script means nothing for steps that are jobs of slurm\n  it is the job ",
        ),
        (
            "slurm",
            {"gpus": 3},
            "3 GPUs cannot be shared evenly by 2 nodes\n  gpus are those of the whole job",
        ),
        ("slurm", {"memory": "much"}, "'much' is no memory\n  write a whole number and K, M, G or T"),
        ("slurm", {"options": ["x"]}, "'x' is no option of a job\n  write it as --constraint=haswell"),
        ("slurm", {"options": ["-x\nrm"]}, "'-x\nrm' is no option of a job\n"),
        (
            "slurm",
            {"extra": {"bank": "x"}},
            "extra has 'bank', which is a setting of its own\n  write bank: ",
        ),
        (
            "flux",
            {"memory": "4G"},
            "memory means nothing for steps that are jobs of flux\n  Flux gives memory ",
        ),
        ("flux", {"qos": "low"}, "qos means nothing for steps that are jobs of flux\n"),
        (
            "flux",
            {"options": ["-x"]},
            "options means nothing for steps that are jobs of flux\n  Maestro hands ",
        ),
        (
            "flux",
            {"nodes": None, "exclusive": True},
            "Flux gives whole nodes only where it is told how many\n",
        ),
        (
            "flux",
            {"gpus": 4},
            "Maestro counts the GPUs of Flux jobs right only for one process on one node\n",
        ),
        (
            "lsf",
            {"walltime": None},
            "jobs of lsf need a walltime\n  Maestro would write the option without a ",
        ),
        ("lsf", {"bank": None}, "jobs of lsf need a bank\n"),
        ("lsf", {"procs": 3}, "3 processes cannot be shared evenly by 2 nodes\n  LSF's jsrun has the same "),
        ("lsf", {"gpus": 3}, "3 GPUs cannot be shared evenly by 4 processes\n"),
        (
            "lsf",
            {"exclusive": True},
            "exclusive means nothing for steps that are jobs of lsf\n  pass it as LSF's",
        ),
        (
            "lsf",
            {"extra": {"shell": "zsh"}},
            "Maestro takes no shell for jobs of lsf: their scripts are bash's",
        ),
    ],
)
def test_what_an_adapter_would_drop_is_refused(kind: str, given: dict[str, Any], message: str) -> None:
    assert refusal(lambda: job_view(settings(kind, **given))).startswith(message)


@pytest.mark.parametrize(
    ("kind", "given", "run"),
    [
        ("slurm", {}, {"procs": 1}),
        ("slurm", {"nodes": 3}, {"nodes": 3, "procs": 3}),
        ("slurm", {"gpus": 0}, {"procs": 1}),
        ("slurm", {"walltime": 59.5}, {"procs": 1, "walltime": "00:01:00"}),
        ("slurm", {"walltime": "3-12:00:00"}, {"procs": 1, "walltime": "84:00:00"}),
        ("flux", {"nodes": 1, "gpus": 2}, {"nodes": 1, "procs": 1, "gpus": 2}),
    ],
)
def test_what_a_job_asks_for(kind: str, given: dict[str, Any], run: dict[str, Any]) -> None:
    view = job_view(said(type=kind, **given))
    assert view is not None
    assert view.run == run


def test_batches_as_jobs_leave_the_specifications_local() -> None:
    whole = said(type="slurm", submit="batches", memory="4G", limit=3)
    make(batch_size=2)
    plain = Path("out/t_0000.yaml").read_bytes()
    campaign = make(batch_size=2, scheduler=whole, force=True)
    assert Path("out/t_0000.yaml").read_bytes() == plain
    assert campaign.manifest.scheduler == whole
    assert read_manifest(Path("out")).scheduler == whole


TEMPLATE = """\
description: {name: x, description: x}
%s
study:
  - name: one
    description: x
    run:
      cmd: |
        %s
        echo $(A)
%s
"""


def test_a_template_that_does_not_hand_it_on_is_refused() -> None:
    slurm = settings("slurm")
    batch, header = "{{ batch_block() }}", "{{ job_header() | indent(8) }}"
    assert "the template has no batch block for it\n  write {{ batch_block() }}" in refusal(
        lambda: make(template=TEMPLATE % ("", "set -e", ""), scheduler=slurm)
    )
    assert "no step has nodes or procs: Maestro would run all of them on its own machine\n" in refusal(
        lambda: make(template=TEMPLATE % (batch, "set -e", ""), scheduler=slurm)
    )
    assert "step 'one': this job would not ask for: #SBATCH --cpus-per-task=2, #SBATCH --mem=4G" in refusal(
        lambda: make(
            template=TEMPLATE % (batch, f"set -e\n        {header}", "      procs: 1"), scheduler=slurm
        )
    )
    made = make(template=TEMPLATE % (batch, f"{header}\n        set -e", "      procs: 1"), scheduler=slurm)
    assert made.warnings == ("no step uses the parameter b",)
    assert "each batch is to be a job, and the template has a batch block for flux" in refusal(
        lambda: make(
            template=TEMPLATE % ("batch: {type: flux}", "set -e", "      procs: 1"),
            scheduler=said(submit="batches"),
            force=True,
        )
    )


@pytest.mark.parametrize("name", ["batch", "run"])
def test_both_ways_at_once_are_refused(name: str) -> None:
    assert refusal(lambda: make(scheduler=settings("slurm"), variables={name: {"procs": 1}})) == (
        f"a scheduler is given, and the variable '{name}', which says what a job asks for too\n"
        f"  leave one of them out: --job KEY=VALUE in place of --set {name}=..., or no scheduler"
    )


def test_the_command_line_and_the_study_file_say_it(run_cli: RunCli) -> None:
    Path("s.yaml").write_text("parameters:\n  a: int(0, 9)\nrows: 4\nscheduler:\n  queue: debug\n")
    code, out, err = run_cli("build", "s.yaml", "--job", "walltime=10m", "--job", "queue=long")
    assert (code, err, out.splitlines()[-1]) == (0, "", "run all:  genstudy run s")
    assert read_manifest(Path("s")).scheduler == said(type="slurm", queue="long", walltime=600)
    assert run_cli("build", "s.yaml", "--scheduler", "local", "-o", "here")[0] == 0
    assert read_manifest(Path("here")).scheduler is None
    code, out, err = run_cli("build", "s.yaml", "--job", "submit=batches", "-o", "whole")
    assert (code, out.splitlines()[-1]) == (0, "run all:  genstudy submit whole")
    assert run_cli("build", "s.yaml", "--scheduler", "lsf", "-o", "no") == (
        2,
        "",
        (
            "genstudy: s.yaml, line 4, scheduler: jobs of lsf need a bank\n"
            "  Maestro would write the option without a value: pass --job bank=...\n"
        ),
    )
    assert run_cli("specs", "s/table.csv", "--job", "procs=1")[2] == (
        "genstudy: --job needs a scheduler\n  pass --scheduler slurm\n"
    )


def test_what_was_said_without_a_type_is_slurms() -> None:
    assert choose_scheduler(said(queue="debug"), None, ()) == said(type="slurm", queue="debug")
