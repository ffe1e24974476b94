"""What lies about in a campaign's folders, and no record knows of it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from genstudy.archives.format import SUFFIX
from genstudy.archives.moving import LIST_SUFFIX
from genstudy.archives.trees import shown
from genstudy.batches.places import ARCHIVE, BESIDE_STUDIES, RUNS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from genstudy.batches.known import Known


def stray_notes(known: Known) -> Iterator[str]:
    """Yield what looks like the campaign's own: studies, archives, tables, specifications."""
    folder, name = known.folder, re.escape(known.manifest.name)
    batches = known.state.batches.values()
    studies = {study + ending for batch in batches for study in batch.studies for ending in BESIDE_STUDIES}
    yield from _strays(folder / RUNS, re.compile(r"(?!\.genstudy).*"), studies, "no record names it")
    # Of a process, say, that was held up while another took its place, and that began a study all the same.
    over = (batch for batch in batches if batch.cleared is not None and not batch.cleared.left)
    gone = {study + ending for batch in over for study in batch.studies for ending in BESIDE_STUDIES}
    for path in sorted((folder / RUNS).iterdir()) if gone and (folder / RUNS).is_dir() else ():
        if path.name in gone:
            yield f"{shown(str(path))}: its batch was saved and cleared without it"
    places = {folder / ARCHIVE: set[str]()}
    for batch in batches:
        if batch.saved is not None and batch.saved.mode != "keep":
            path = folder / batch.saved.path
            places.setdefault(path.parent, set()).update({path.name, path.name + LIST_SUFFIX})
    saved = re.compile(rf"\.?{name}_\d+({re.escape(SUFFIX)}|{re.escape(LIST_SUFFIX)})?(\.part-.*)?")
    for place, own in places.items():
        yield from _strays(place, saved, own, "no record names it")
    made = {batch.spec for batch in known.manifest.batches}
    made |= {batch.table for batch in known.manifest.batches if batch.table is not None}
    own_form = re.compile(rf"{name}_\d+\.yaml|retry_\d+(_\d+)?\.csv|\..*\.part-\d+-[0-9a-f]{{8}}|\.grown-\w+")
    yield from _strays(folder, own_form, made, "the manifest does not name it")


def _strays(folder: Path, form: re.Pattern[str], known: set[str], why: str) -> Iterator[str]:
    if folder.is_dir():
        for path in sorted(folder.iterdir()):
            if path.name not in known and form.fullmatch(path.name):
                yield f"{shown(str(path))}: {why}"
