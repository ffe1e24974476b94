"""What databases refuse, told as one of genstudy's errors: one line, and no secrets in it."""

from __future__ import annotations

import sqlite3
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sqlalchemy.exc import DBAPIError, InternalError, OperationalError, SQLAlchemyError

from genstudy.errors import GenstudyError, RunError, UserError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from genstudy.databases.url import DatabaseUrl

SQLITE_MISTAKES = frozenset(
    {
        sqlite3.SQLITE_ERROR,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_SCHEMA,  # what a syntax error has where an authorizer looked at the statement
        sqlite3.SQLITE_TOOBIG,
        sqlite3.SQLITE_MISMATCH,
        sqlite3.SQLITE_AUTH,
        sqlite3.SQLITE_RANGE,
        sqlite3.SQLITE_NOTADB,
    }
)
POSTGRESQL_MISTAKES = ("0A", "21", "22", "25001", "25006", "26", "28", "34", "3D", "3F", "42", "44")
"""Classes of SQLSTATE (PostgreSQL's manual, appendix A): not supported, cardinality, data, what a read-only
or begun transaction refuses, statement name, authorization, cursor name, database, schema, syntax or access,
WITH CHECK."""

LOGIN_HINT = "set PGPASSWORD, or have the password in ~/.pgpass"


@contextmanager
def database_errors(url: DatabaseUrl, what: str) -> Iterator[None]:
    """Turn the errors of a database into UserError, or RunError where the user did nothing wrong.

    what: what cannot be done, such as `cannot read the table runs`.
    A mistake is: no connection, a wrong name, wrong SQL, data that do not fit, no right to do it. A full
    disk, a lock, a server that goes away are none.
    """
    try:
        yield
    except _errors() as problem:
        # `from None`: what SQLAlchemy says could show the statement, and the URL with its password.
        raise _explained(problem, url, what) from None


def _errors() -> tuple[type[Exception], ...]:
    """Return what SQLAlchemy and the drivers raise; it wraps nearly all of theirs, but no raw cursor's."""
    driver = sys.modules.get("psycopg")
    return (SQLAlchemyError, sqlite3.Warning, sqlite3.Error, *((driver.Error,) if driver else ()))


def _explained(problem: Exception, url: DatabaseUrl, what: str) -> GenstudyError:
    cause = _cause(problem)
    reason, hint = _reason(cause)
    message = url.mask(f"{what}: {reason}")
    if _is_mistake(problem, cause):
        if "password" in reason and url.url.get_backend_name() == "postgresql":
            hint = hint or LOGIN_HINT
        return UserError(message, where=url.shown, hint=hint and url.mask(hint))
    return RunError(f"{url.shown}: {message}")


def _cause(problem: Exception) -> BaseException:
    """Return the driver's own error, if SQLAlchemy wrapped one."""
    return problem.orig if isinstance(problem, DBAPIError) and problem.orig is not None else problem


def _reason(cause: BaseException) -> tuple[str, str | None]:
    """Return what went wrong in one line, and the server's advice, if it has any."""
    diagnosis = getattr(cause, "diag", None)
    if diagnosis is not None and diagnosis.message_primary:
        hint = diagnosis.message_hint
        return _line(diagnosis.message_primary), _line(hint) if hint else None
    return _line(str(cause)).removeprefix("connection failed: ") or type(cause).__name__, None


def _line(text: str) -> str:
    return " ".join(text.split())


def _is_mistake(problem: Exception, cause: BaseException) -> bool:
    if isinstance(cause, sqlite3.Warning | sqlite3.Error):
        code = getattr(cause, "sqlite_errorcode", None)
        # Codes have 8 bits of reason, and a detail above. Without one, the sqlite3 module itself objects.
        return code is None or code & 0xFF in SQLITE_MISTAKES
    state = getattr(cause, "sqlstate", None)
    if state is not None:
        return bool(state.startswith(POSTGRESQL_MISTAKES))
    # Without a state the server said nothing, or its driver tells none: no connection came about, or one was
    # lost, or something else that is nobody's mistake.
    lost = isinstance(problem, OperationalError | InternalError) and getattr(cause, "pgconn", None) is None
    if not lost or not isinstance(problem, DBAPIError):
        return not lost
    return problem.statement is None and not problem.connection_invalidated
