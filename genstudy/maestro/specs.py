"""Specifications as Maestro's own loader reads them, and the names that it gives to things."""

from __future__ import annotations

import io
import logging
import re
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from genstudy.errors import UserError
from genstudy.maestro.version import check_version

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

OWN_TOKENS = frozenset({"WORKSPACE", "LAUNCHER", "OUTPUT_PATH", "SPECROOT"})
FOLDER_MARKS = frozenset("-_.() abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
"""What Maestro keeps of a name when it makes a folder; a space becomes an underscore."""

LONGEST_NAME = 242
"""Bytes that a step's name and its label may have together: files are named `step_label.<process>.out`."""

WORKSPACE = re.compile(r"\$\(([^\s()$]+)\.workspace\)")

FUNNEL = re.compile(r"_\*|\*")
"""What Maestro takes off a dependency's name to find the step."""

SCHEDULERS = ("local", "slurm", "flux", "lsf")


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A study step.

    texts: its description and `run` entries, with the study's variables put in. depends: as written.
    """

    name: str
    texts: Mapping[str, str]
    depends: tuple[str, ...]

    @property
    def funnels(self) -> set[str]:
        """The steps all of whose combinations this one waits for (`name_*`)."""
        return {FUNNEL.sub("", name) for name in self.depends if "*" in name}

    def follows(self, names: Iterable[str]) -> set[str]:
        """Return those of these steps whose parameters this one takes over, as Maestro does.

        These are the steps it depends on and those whose workspace it looks at, without the funnels.
        """
        script = self.script
        looked_at = {name for name in names if f"$({name}.workspace)" in script}
        return (looked_at - self.funnels) | {name for name in names if name in self.depends}

    @property
    def script(self) -> str:
        """What Maestro looks for workspaces in: the commands, and those of a restart."""
        return f"{self.texts.get('cmd', '')} {self.texts.get('restart', '')}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """A specification as Maestro's own loader gives it. data: the YAML document; loaded: Maestro's object."""

    name: str
    steps: tuple[Step, ...]
    variables: tuple[str, ...]
    data: Mapping[str, Any]
    loaded: Any


def load_spec(text: str, where: str) -> Spec:
    """Load and validate a specification with Maestro's own loader.

    where: what to call the text in messages. Raises UserError with Maestro's reason.
    """
    from maestrowf.specification import YAMLSpecification

    check_version()
    try:
        loaded = YAMLSpecification.load_specification_from_stream(io.StringIO(text))
        data = {
            "description": loaded.description,
            "env": loaded.environment,
            "batch": loaded.batch,
            "study": loaded.study,
            "global.parameters": loaded.globals,
        }
        environment = _environment(loaded)
        steps = tuple(_step(step, environment) for step in loaded.get_study_steps())
    except Exception as problem:
        raise UserError(
            f"Maestro does not accept the specification: {_reason(problem)}",
            where=where,
            hint="mend the template",
        ) from problem
    dependencies = loaded.environment.get("dependencies") or {}
    variables = (
        *(loaded.environment.get("variables") or {}),
        *(loaded.environment.get("labels") or {}),
        *(item["name"] for kind in ("paths", "git") for item in dependencies.get(kind) or ()),
    )
    return Spec(name=str(loaded.name), steps=steps, variables=variables, data=data, loaded=loaded)


def check_order(spec: Spec, where: str) -> None:
    """Refuse steps that wait for each other, and a workspace that Maestro would look up too early.

    The steps' order is asked of Maestro itself.
    """
    from maestrowf.datastructures.core import ParameterGenerator, Study

    try:
        study = Study(
            "order", "order", _environment(spec.loaded), ParameterGenerator(), spec.loaded.get_study_steps()
        )
        order = {str(name): number for number, name in enumerate(study.topological_sort())}
    except Exception as problem:
        raise UserError(
            f"Maestro finds no order for the steps: {_reason(problem)}", where=where, hint="mend depends:"
        ) from problem
    for step in spec.steps:
        for name in WORKSPACE.findall(step.script):
            if order.get(name, -1) >= order[step.name]:
                raise UserError(
                    f"it uses $({name}.workspace), and nothing says that '{name}' comes first",
                    where=f"{where}, step '{step.name}'",
                    hint=f"write depends: [{name}]" if name != step.name else "write $(WORKSPACE)",
                )


def check_job_scripts(spec: Spec, where: str) -> None:
    """Have the scheduler's own adapter make the scripts of all steps; refuse the first that it dies on.

    Maestro does that while the study runs. Flux's adapter asks a Flux, so it is not tried; nor is a step with
    tokens in its numbers, which have none yet. What else an adapter needs must have been looked for.
    """
    if spec.data["batch"]["type"] == "flux":
        return
    adapter = _adapter(spec)
    for step in spec.loaded.get_study_steps():
        if any("$(" in str(value) for key, value in step.run.items() if key not in {"cmd", "restart"}):
            continue
        try:
            with _quiet():
                if adapter.get_scheduler_command(step)[0]:
                    adapter.get_header(step)
        except Exception as problem:
            raise UserError(
                f"Maestro would die on this step once it is run: {_reason(problem)}",
                where=f"{where}, step '{step.name}'",
                hint="look at nodes, procs and what is behind $(LAUNCHER): [2n, 4p] needs both in run:",
            ) from problem


def job_scripts(spec: Spec) -> str:
    """Return the scripts of all steps that are jobs, one after the other, as their scheduler's adapter begins
    them; tokens are in their places. Not for Flux.
    """
    adapter = _adapter(spec)
    jobs = (step for step in spec.loaded.get_study_steps() if step.run["nodes"] or step.run["procs"])
    with _quiet():
        return "\n".join(f"{adapter.get_header(step)}\n{step.run['cmd']}" for step in jobs)


def _adapter(spec: Spec) -> Any:
    from maestrowf.interfaces import ScriptAdapterFactory

    return ScriptAdapterFactory.get_adapter(spec.data["batch"]["type"])(**spec.data["batch"])


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep what Maestro logs from the screen: it warns of entries that every step has."""
    logger = logging.getLogger("maestrowf")
    level = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        logger.setLevel(level)


def _reason(problem: Exception) -> str:
    message = getattr(problem, "message", None) or str(problem) or type(problem).__name__
    return f"the key {message} is missing" if isinstance(problem, KeyError) else str(message)


def _environment(loaded: Any) -> Any:
    """The study's variables, in the order in which Maestro adds them before a run."""
    from maestrowf.datastructures.environment import Variable

    environment = loaded.get_study_environment()
    environment.remove("OUTPUT_PATH")
    for name in ("OUTPUT_PATH", "SPECROOT"):
        environment.add(Variable(name, f"/{name}"))
    return environment


def _step(step: Any, environment: Any) -> Step:
    # Maestro looks for parameters in the description too.
    texts = {
        key: environment.apply_environment(value)
        for key, value in {**step.run, "description": step.description}.items()
        if isinstance(value, str) and value
    }
    return Step(name=step.name, texts=texts, depends=tuple(map(str, step.run["depends"] or ())))


def folder_name(text: str) -> str:
    """Return the folder name that Maestro makes of a label or a step's name."""
    return "".join(mark for mark in text if mark in FOLDER_MARKS).replace(" ", "_")
