"""Specifications whose steps are jobs: what a scheduler's settings become in Maestro's own scripts.

Each built-in template is loaded by Maestro, and its adapter writes the scripts, which are compared with
tests/golden/steps.
After a change that is meant: pytest tests/specs/test_jobs.py --renew-golden
"""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from maestrowf.interfaces import ScriptAdapterFactory
from maestrowf.interfaces.script._flux.flux0_49_0 import FluxInterface_0490
from pydantic import ValidationError

from genstudy.errors import UserError
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
            "Maestro has no use for 'shell' in the batch block of lsf\n  leave extra out",
        ),
        (
            "flux",
            {"extra": {"alocation_args": {}}},
            "Maestro has no use for 'alocation_args' in the batch block of flux (did you mean 'allocation_",
        ),
        (
            "slurm",
            {"nodes": None},
            "each node of the job would have so many GPUs, and how many nodes there are is Slurm's choice\n",
        ),
    ],
)
def test_what_an_adapter_would_drop_is_refused(kind: str, given: dict[str, Any], message: str) -> None:
    assert refusal(lambda: job_view(settings(kind, **given))).startswith(message)


@pytest.mark.parametrize("key", ["bank", "queue", "reservation", "qos"])
@pytest.mark.parametrize(
    "value", ["a b", "a\nrm -rf x", "a;b", "$(id)", "`id`", '"a', "a'", "a|b", "a#b", "a\\", "a*"]
)
def test_a_name_that_a_shell_would_read_is_refused(key: str, value: str) -> None:
    assert refusal(lambda: job_view(said(**{key: value}))).startswith(f"{key} has ")
    batch = f"batch: {{type: slurm, host: '', bank: '', queue: '', {key}: {json.dumps(value)}}}"
    if key in {"bank", "queue"}:
        batch = batch.replace(f"{key}: '', ", "")
    assert f"{key} has " in refusal(lambda: make(template=TEMPLATE % (batch, "set -e", "      procs: 1")))


@pytest.mark.parametrize("value", ["phys", "a+b", "p1,p2", "a@b", "a.b:c_d-e/f=g", "ü"])
def test_other_names_are_taken(value: str) -> None:
    view = job_view(said(bank=value, queue=value, qos=value, reservation=value))
    assert view is not None
    assert view.batch["bank"] == value


@pytest.mark.parametrize(
    ("kind", "option", "found"),
    [
        *(("slurm", option, option.split()[0]) for option in ("--array=0-9", "-a 0-9", "--arr=1,2", "-a0-9")),
        ("slurm", "-Ha0-3", "-Ha0-3"),
        *(("slurm", option, option.split()[0]) for option in ("-M other", "--clusters=all", "-W", "--wait")),
        *(("slurm", option, option) for option in ("-Q", "-vQ", "--quiet", "--test-only", "--no-requeue")),
        *(("slurm", option, option.split()[0]) for option in ("-o x", "--error=x", "--output x", "--wrap=x")),
        ("slurm", "--mem=1 --array=0-9", "--array=0-9"),
        *(("lsf", option, option.split()[0]) for option in ("-J x[1-10]", "-K", "-Is", "-o x", "-eo x")),
    ],
)
def test_an_option_that_takes_a_job_out_of_maestros_hands_is_refused(
    kind: str, option: str, found: str
) -> None:
    message = f"a job cannot have '{found}': "
    assert refusal(lambda: job_view(settings(kind, options=[option]))).startswith(message)
    mark = {"slurm": "#SBATCH", "lsf": "#BSUB"}[kind]
    batch = f"batch: {{type: {kind}, host: '', bank: b, queue: q}}"
    run = "      nodes: 1\n      procs: 1\n      walltime: '1:00'"
    template = TEMPLATE % (batch, f"\n        # a comment\n        {mark} {option}\n        set -e", run)
    assert message in refusal(lambda: make(template=template))
    # Behind a command nobody reads it.
    make(template=template.replace(mark, f"set -u\n        {mark}"))


@pytest.mark.parametrize(
    "option",
    [
        "-C haswell",
        "--wait-all-nodes=1",
        "-Hk",
        "--exclude=n1",
        "--mem-per-cpu=1G",
        "-d afterok:1",
        "--comment=-a # -a",
    ],
)
def test_other_options_are_taken(option: str) -> None:
    view = job_view(said(options=[option]))
    assert view is not None
    assert view.header == (f"#SBATCH {option}",)


def test_a_quote_that_does_not_end_is_told() -> None:
    assert refusal(lambda: job_view(said(options=['--comment="x']))).startswith("a quote does not end in ")


@pytest.mark.parametrize(
    ("setup", "message"),
    [
        ("module load a\r\nb", "setup, line 1: '\\r' cannot stand in a script\n  convert its line ends"),
        ("a\u2028b", "setup, line 1: '\\u2028' cannot stand in a script\n"),
        ("a\n#SBATCH --mem=1", "setup has a line that begins with #SBATCH, behind commands, where nobody "),
    ],
)
def test_a_setup_that_would_be_read_otherwise_is_refused(setup: str, message: str) -> None:
    assert refusal(lambda: job_view(said(setup=setup))).startswith(message)


@given(st.text(st.characters(codec="utf-8", exclude_characters="$"), min_size=1))
def test_a_setup_reaches_the_scripts_as_it_is_or_is_refused(setup: str) -> None:
    try:
        view = job_view(said(setup=setup))
    except (UserError, ValidationError):
        return
    assert view is not None
    template = TEMPLATE % ("{{ batch_block() }}", "{{ job_header() | indent(8) }}", "      procs: 1")
    make(template=template, scheduler=said(setup=setup), force=True)
    spec = load_spec(Path("out/t_0000.yaml").read_bytes().decode(), "x")
    command = spec.data["study"][0]["run"]["cmd"]
    top = "\n".join(view.header)
    assert top == "\n".join(["set -e", setup.strip("\n"), "set +e"])
    assert command == f"{top}\necho $(A)\n"


def test_a_restart_asks_for_the_same() -> None:
    batch, header = "{{ batch_block() }}", "{{ job_header() | indent(8) }}"
    run = "      procs: 1\n      restart: |\n        %secho $(A)"
    assert "would not ask for: #SBATCH --cpus-per-task=2, #SBATCH --mem=4G" in refusal(
        lambda: make(template=TEMPLATE % (batch, header, run % ""), scheduler=settings("slurm", setup=None))
    )
    make(template=TEMPLATE % (batch, header, run % f"{header}\n        "), scheduler=settings("slurm"))


def test_a_misspelt_step_of_the_pipeline_is_told() -> None:
    Path("t.csv").write_text("a\n1\n")

    def pipeline(jobs: object) -> None:
        variables = {"simulate": "true", "jobs": jobs}
        make_specs("t.csv", "out", Options(template="pipeline", variables=variables, scheduler=said()))

    assert "there is no 'gathr' here (did you mean 'gather'?)\n  there are: setup, " in refusal(
        lambda: pipeline(["gathr"])
    )
    assert "3 is no list of names\n" in refusal(lambda: pipeline(3))
    pipeline("gather")
    assert Path("out/t_0000.yaml").read_text().count("procs: 1") == 2


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


def test_an_empty_value_takes_a_key_away() -> None:
    wanted = said(type="slurm", queue="debug", setup="module load gcc", options=["--nice"], walltime="1h")
    chosen = choose_scheduler(wanted, None, ("setup=", "options=", "options=--wait-all-nodes=1", "walltime="))
    assert chosen == said(type="slurm", queue="debug", options=["--wait-all-nodes=1"])
    assert choose_scheduler(wanted, "slurm", ("queue=", "setup=", "options=", "walltime=")) == said(
        type="slurm"
    )
    assert refusal(lambda: choose_scheduler(None, None, ("queue=",))) == (
        "--job needs a scheduler\n  pass --scheduler slurm"
    )


def test_what_was_said_without_a_type_is_slurms() -> None:
    assert choose_scheduler(said(queue="debug"), None, ()) == said(type="slurm", queue="debug")
