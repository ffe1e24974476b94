"""A campaign: whether it can be read, and whether what it was made for is here."""

from __future__ import annotations

import os
from functools import partial
from shlex import quote
from typing import TYPE_CHECKING

from genstudy.batches.slices import own_path, plain_name
from genstudy.campaign.scheduler_checks import PROGRAMS, check_scheduler
from genstudy.campaign.settings import choose_settings
from genstudy.doctor.clusters import schedulers
from genstudy.doctor.findings import note, ok, problem, tried
from genstudy.maestro.process import scheduler_of
from genstudy.specs.manifest import FILE_NAME, PGEN_NAME, read_manifest
from genstudy.units import counted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from genstudy.doctor.findings import Finding
    from genstudy.specs.manifest import Manifest


def campaign(folder: Path) -> Iterator[Finding]:
    """Tell whether the campaign of a folder can be run here; without one, which schedulers are here.

    Raises UserError where its manifest cannot be read.
    """
    if not (folder / FILE_NAME).exists():
        yield from tried("scheduler", schedulers)
        return
    manifest = read_manifest(folder)
    if missing := [path for path in _files(folder, manifest) if not path.is_file()]:
        verify = f"genstudy verify {quote(str(folder))}"
        hint = f"bring it back from a copy; {verify} tells what else is not as it was"
        yield problem("campaign", f"{missing[0]} is missing", hint)
        return
    batches, rows = counted(len(manifest.batches), "batch"), counted(manifest.settings.rows, "row")
    yield ok("campaign", f"{manifest.name}: {rows} in {batches}")
    yield from tried("scheduler", partial(_scheduler, folder, manifest))
    if manifest.results is not None:
        yield from tried("results", partial(_results, folder, manifest))
    for name in manifest.run.pass_env if manifest.run else ():
        if not any(_is_meant(variable, name) for variable in os.environ):
            text = f"its steps are to get {name} from the environment, which has none"
            yield note("campaign", text, f"set {name} before genstudy run")


def _files(folder: Path, manifest: Manifest) -> tuple[Path, ...]:
    """Return the files without which nothing runs; one specification stands for all, as there may be many."""
    pgen = (folder / PGEN_NAME,) if manifest.pgen_sha256 is not None else ()
    return (folder / plain_name(manifest.batches[0].spec), own_path(folder, manifest), *pgen)


def _scheduler(folder: Path, manifest: Manifest) -> Iterator[Finding]:
    """Tell of the scheduler that the batches, or their steps, are made for."""
    said = manifest.scheduler
    if said is not None and said.submit == "batches":
        yield from schedulers(said.type)
        return
    kind = scheduler_of(folder / manifest.batches[0].spec)
    if kind not in PROGRAMS:
        yield from schedulers()
        return
    found = list(schedulers(kind))
    yield from found
    if all(finding.level != "problem" for finding in found):
        told: list[str] = []
        check_scheduler(folder, manifest, choose_settings(folder, manifest, {}), told.append)
        yield from (note("scheduler", text) for text in told)


def _results(folder: Path, manifest: Manifest) -> Iterator[Finding]:
    """Tell whether the campaign's database can be written. Raises GenstudyError where it does not answer."""
    from genstudy.doctor.databases import writable  # only here, as these import SQLAlchemy
    from genstudy.results.place import Place

    yield from writable("results", Place(folder, manifest, manifest.results, None, None).url)


def _is_meant(variable: str, name: str) -> bool:
    return variable.startswith(name[:-1]) if name.endswith("*") else variable == name
