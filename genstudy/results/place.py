"""Where the results of a campaign are: its own results.db, or the database that was chosen for them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import URL

from genstudy.batches.places import RESULTS_FILE
from genstudy.databases.url import DatabaseUrl, parse_url
from genstudy.results.schema import campaign_id, table_name

if TYPE_CHECKING:
    from genstudy.specs.manifest import Manifest
    from genstudy.specs.results import ResultsSettings


class Place:
    """A table of results. url: of its database; name: of the view; campaign: what its rows are known by.

    own: whether it is the campaign's results.db.
    """

    def __init__(
        self,
        folder: Path,
        manifest: Manifest,
        settings: ResultsSettings | None,
        db: str | None,
        table: str | None,
    ) -> None:
        """Take what was asked for, before what the campaign says, before the default.

        folder: the campaign's; a relative SQLite file that the campaign names is in it.
        """
        said = settings.into if settings is not None else None
        self.own = db is None and said is None
        if self.own:
            self.url = sqlite_url(folder / RESULTS_FILE)
        else:
            url = parse_url(db or said or "")
            inside = db is None and url.file is not None and not url.file.is_absolute()
            self.url = sqlite_url(folder / url.file) if inside and url.file is not None else url
        named = table or (settings.table if settings is not None else None)
        self.name = table_name(named, manifest, local=self.own)
        self.campaign = campaign_id(manifest)


def sqlite_url(file: Path) -> DatabaseUrl:
    """Return the URL of a SQLite file of any name."""
    return DatabaseUrl(URL.create("sqlite+pysqlite", database=str(file)), str(file), Path(file))
