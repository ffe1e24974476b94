"""Modules of the functions that give results: copied into the campaign, and tried before it is made."""

from __future__ import annotations

import sys
from importlib.machinery import PathFinder
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from genstudy.errors import UserError
from genstudy.specs.result_keys import function_of
from genstudy.specs.results_check import ResultsMistake, check_results
from genstudy.specs.worker_process import WorkerProcess

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from genstudy.specs.manifest import StepEntry
    from genstudy.specs.result_sources import Source
    from genstudy.specs.results import ResultsSettings

OWN = frozenset({"pgen"})
"""Modules that a campaign has itself."""


def module_files(settings: ResultsSettings | None) -> list[str]:
    """Return the names of the files that a campaign may hold for its functions: `measure.py`."""
    sources = settings.sources if settings is not None else []
    modules = [function_of(source.target)[0] for source in sources if source.kind == "python"]
    return sorted({f"{module}.py" for module in modules if "." not in module})


def settled_results(
    settings: ResultsSettings, steps: Sequence[StepEntry], parameters: Sequence[str], beside: Path | None
) -> tuple[ResultsSettings, dict[str, bytes]]:
    """Return the settings as the manifest has them, and {file name: bytes} of the modules to copy.

    parameters: columns of the table but the index. beside: the folder in which modules are looked for.
    Raises ResultsMistake for what does not go with the study, and for functions that cannot be imported.
    """
    settings = check_results(settings, steps, parameters)
    modules = modules_to_copy(settings, beside)
    check_functions(settings, modules)
    return settings, modules


def modules_to_copy(settings: ResultsSettings, beside: Path | None) -> dict[str, bytes]:
    """Return {file name: bytes} of the modules that lie in the folder of the study file.

    ResultsMistake for a module of a name that means another one, in a campaign or to Python.
    """
    found: dict[str, bytes] = {}
    for place, source in enumerate(settings.sources):
        module = function_of(source.target)[0] if source.kind == "python" else "."
        path = None if beside is None or "." in module else beside / f"{module}.py"
        if path is None or not path.is_file():
            continue
        owner = "Python" if module in sys.stdlib_module_names else "a campaign" if module in OWN else ""
        if owner:
            raise ResultsMistake(
                f"{owner} has a module '{module}' of its own",
                *("sources", place, "python"),
                hint=f"rename {path.name}",
            )
        found[path.name] = path.read_bytes()
    return found


def check_functions(settings: ResultsSettings, modules: Mapping[str, bytes]) -> None:
    """Import each function as it will be when results are collected. modules: what is copied.

    ResultsMistake where it cannot be.
    """
    if not any(source.kind == "python" for source in settings.sources):
        return
    with TemporaryDirectory() as folder:
        for name, data in modules.items():
            (Path(folder) / name).write_bytes(data)
        for place, source in enumerate(settings.sources):
            if source.kind == "python":
                with function_process(source, [Path(folder)]) as process:
                    started(process, source, place)


def function_process(source: Source, path: Sequence[Path]) -> WorkerProcess:
    """Return the process of a source's function, not started yet.

    path: where its module is looked for first.
    """
    module, function = function_of(source.target)
    task: dict[str, Any] = {
        "path": [str(folder.absolute()) for folder in path],
        "module": module,
        "function": function,
        "columns": [source.key_of(name) for name in source.columns],
    }
    return WorkerProcess(task, timeout=source.timeout)


def started(process: WorkerProcess, source: Source, place: int) -> None:
    """Start the process of a source's function; ResultsMistake where the function cannot be imported."""
    top = function_of(source.target)[0].split(".")[0]
    try:
        process.start()
    except UserError as problem:
        raise ResultsMistake(
            f"{source.target}: {problem.message}",
            *("sources", place, "python"),
            hint=_import_hint(problem.message, top),
        ) from None


def _import_hint(problem: str, module: str) -> str | None:
    if f"No module named '{module}'" in problem:
        return f"{module}.py belongs beside the file that names it, or must be installed"
    if problem.startswith(("ImportError", "ModuleNotFoundError")):
        return "only the module itself is copied into the campaign; what it imports must be installed"
    return None


def find_module(name: str, path: Iterable[Path]) -> Path | None:
    """Return the file of a module, found without importing it; None if there is none.

    path: where it is looked for first.
    """
    places: Sequence[str] | None = [*map(str, path), *sys.path]
    origin: str | None = None
    for count in range(1, name.count(".") + 2):
        spec = PathFinder.find_spec(".".join(name.split(".")[:count]), places)
        if spec is None:
            return None
        places, origin = spec.submodule_search_locations, spec.origin
    return Path(origin) if origin is not None and Path(origin).is_file() else None
