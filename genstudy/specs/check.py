"""A template checked without a campaign being made."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from genstudy.parameters.names import check_names, numbered
from genstudy.rendering.templates import find_template
from genstudy.specs.make import write_campaign
from genstudy.specs.options import Options
from genstudy.specs.writer import SpecWriter
from genstudy.tables.read import Table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from genstudy.tables.query import Source

DEFAULT_PARAMETERS = 3


def check_template(
    template: str | Path,
    *,
    table: Source | None = None,
    names: Sequence[str] | None = None,
    variables: Mapping[str, Any] | None = None,
) -> tuple[str, ...]:
    """Render a template and check what comes out; return the warnings.

    Against a table or a query, its values are checked as well; else against parameters of these names
    (default: param1 to param3). Raises UserError for what is wrong.
    """
    options = Options(template=template, variables=variables or {}, name="check")
    if table is not None:
        return write_campaign(table, None, options)[1]
    names = list(names) if names else numbered(DEFAULT_PARAMETERS)
    check_names(names)
    preview = (tuple("1" for _ in names),)
    blank = Table(path=Path("no table"), columns=tuple(names), preview=preview)
    writer = SpecWriter(find_template(template), table=blank, index=None, laws={}, options=options)
    return writer.warnings(writer.trial())
