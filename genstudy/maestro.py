"""The one module that knows Maestro: its loader, its names for things, and its command line."""

from __future__ import annotations

import io
import os
import re
import signal
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genstudy.errors import GenstudyError, UserError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

OLDEST = (1, 2, 1)
"""Earlier versions sleep seconds after each local step and misread parameter names."""

OWN_TOKENS = frozenset({"WORKSPACE", "LAUNCHER", "OUTPUT_PATH", "SPECROOT"})
FOLDER_MARKS = frozenset("-_.() abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
"""What Maestro keeps of a name when it makes a folder; a space becomes an underscore."""

LONGEST_NAME = 242
"""Bytes that a step's name and its label may have together: files are named `step_label.<process>.out`."""

WORKSPACE = re.compile(r"\$\(([^\s()$]+)\.workspace\)")

FUNNEL = re.compile(r"_\*|\*")
"""What Maestro takes off a dependency's name to find the step."""

SCHEDULERS = ("local", "slurm", "flux", "lsf")

CHILD = Path(__file__).with_name("maestro_child.py")
SLEEP = 60
"""Seconds between Maestro's looks at jobs that a scheduler runs, as Maestro itself has it."""


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


@cache
def check_version() -> str:
    """Return Maestro's version. Raises GenstudyError where there is none, or one that is too old."""
    wanted = ".".join(map(str, OLDEST))
    try:
        found = version("maestrowf")
    except PackageNotFoundError:
        raise GenstudyError(
            f"Maestro is not installed for {sys.executable}\n  pip install 'maestrowf>={wanted}'"
        ) from None
    numbers = tuple(int(part) for part in found.split(".")[:3] if part.isdigit())
    if numbers < OLDEST:
        raise GenstudyError(
            f"maestrowf {found} is too old: pip install 'maestrowf>={wanted}'\n"
            "  earlier versions sleep after every step and mix up parameters such as P1 and P10"
        )
    return found


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


def run_command(spec: Path, pgen: Path | None, *options: str) -> list[str]:
    """Return the arguments of `maestro` that run a specification."""
    return ["run", str(spec), *(["--pgen", str(pgen)] if pgen else []), *options]


def foreground_command(
    spec: Path, pgen: Path | None, out: Path, *, options: Sequence[str] = (), sleep: int | None = None
) -> list[str]:
    """Return the arguments of `maestro` that run a specification to its end, asking nothing.

    out: the study's folder. sleep: seconds between looks at the jobs; None: no pause where the steps run
    here, and Maestro's own where a scheduler runs them.
    """
    if sleep is None:
        sleep = 0 if scheduler_of(spec) == "local" else SLEEP
    fixed = ("-fg", "-y", "-s", str(sleep), "-o", str(out.absolute()))
    return run_command(spec.absolute(), pgen and pgen.absolute(), *fixed, *options)


def scheduler_of(spec: Path) -> str:
    """Return what runs the steps of a specification: `local`, or a scheduler's name."""
    import yaml

    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    node = yaml.compose(spec.read_text(encoding="utf-8"), Loader=loader)
    for key in ("batch", "type"):
        entries = (
            {name.value: value for name, value in node.value} if isinstance(node, yaml.MappingNode) else {}
        )
        node = entries.get(key)
    return str(node.value) if isinstance(node, yaml.ScalarNode) else "local"


def start_in_foreground(
    command: Sequence[str], out: Path, *, log: Path, environ: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    """Start the installed Maestro with these arguments, in a session of its own, standard input closed.

    out: the study's folder, which must not exist (Maestro would delete it). log: gets what Maestro prints.
    Maestro is killed when the calling thread ends, so that it never outlives genstudy (on Linux).
    """
    check_version()
    if out.exists() or out.is_symlink():
        raise UserError("the output folder exists, and Maestro would delete it", where=str(out))
    # -P: a file of the user's such as random.py is never taken for Python's own. UTF-8: values reach scripts
    # as they are, whatever the locale.
    python = [sys.executable, "-P", "-u", "-X", "utf8", str(CHILD), str(os.getpid())]
    with log.open("ab") as stream:
        return subprocess.Popen(
            [*python, *command],
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            env=environ,
            start_new_session=True,
        )


def exit_meaning(code: int) -> str:
    """Say what an exit code of Maestro in the foreground means; a negative one is a signal."""
    if code < 0:
        return f"Maestro was killed by signal {-code} ({signal.strsignal(-code)})"
    meanings = ("every step finished", "Maestro ended in an error", "a step failed", "it was cancelled")
    return meanings[code] if code < len(meanings) else f"Maestro ended with exit code {code}"
