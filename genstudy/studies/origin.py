"""Where a study's rows come from: parameters, a table or a query."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from genstudy.errors import UserError
from genstudy.studies.model import ORIGINS, TABLE_KEYS
from genstudy.tables.read import Query

if TYPE_CHECKING:
    from genstudy.studies.model import Study
    from genstudy.studies.places import Places


def origin_mistake(study: Study) -> tuple[str, UserError] | None:
    """Return what is wrong with the keys that say where rows come from, and the key that it is about."""
    given = [key for key in ORIGINS if getattr(study, key)]
    if not given:
        hint = "genstudy init shows all keys; `table`, or `query` and `db`, may stand in its place"
        return "", UserError("the key 'parameters' is missing", hint=hint)
    if len(given) > 1:
        hint = "rows come from one of them: take the others out"
        return given[1], UserError(f"{given[0]} and {given[1]} exclude each other", hint=hint)
    if study.query and not study.db:
        return "query", UserError(
            "a query needs a database", hint="add db: sqlite:///lab.db, or whatever it is"
        )
    if study.query and study.query.startswith("@"):
        return "query", UserError(
            "the query is SQL, and no file's name", hint=f"write it here, or pass --query {study.query}"
        )
    if study.db and not study.query:
        return "db", UserError("a database is for a query", hint="add query: SELECT ..., or take db out")
    made = next((key for key in TABLE_KEYS if key in study.model_fields_set), None)
    if given[0] != "parameters" and made:
        hint = f"take {made} out; what rows there are, the {given[0]} says"
        return made, UserError(
            f"{made} makes rows of parameters, and here they are those of a {given[0]}", hint=hint
        )
    return None


def find_origin(study: Study, folder: Path, places: Places) -> Path | Query:
    """Return a study's table or query. A relative path is looked for in the study file's folder first.

    A password in the study file is refused: the file is kept, and shared.
    """
    if study.table:
        beside = folder / study.table
        return beside if beside.is_file() and "table" not in places.settings else Path(study.table)
    from genstudy.databases.url import parse_url, sqlite_url

    assert study.query is not None
    assert study.db is not None
    with places.key("db"):
        url = parse_url(study.db)
        if url.secrets and "db" not in places.settings:
            raise UserError(
                "a password has no place in a study file",
                hint=f"write db: {url.shown}, and set PGPASSWORD or have it in ~/.pgpass",
            )
    if url.file is not None and (folder / url.file).is_file() and "db" not in places.settings:
        return Query(sql=study.query, db=sqlite_url(folder / url.file))
    return Query(sql=study.query, db=study.db)
