"""What a study template sees."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from genstudy.parameters.names import ROW_ID, token_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from genstudy.rendering.jobs import JobView


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterView:
    """A parameter of the table."""

    name: str
    """Its name, as in the table."""
    law: str | None
    """Its law as text, where the table's record tells it; none otherwise."""
    first: str
    """Its value in the table's first row."""
    values: tuple[str, ...]
    """Its values in the first three rows."""

    @property
    def token(self) -> str:
        """The token that Maestro replaces by the value."""
        return f"$({token_of(self.name)})"

    @property
    def quoted(self) -> str:
        """The token that becomes the value, quoted for the shell."""
        return f"$({token_of(self.name)}.quoted)"

    @property
    def json(self) -> str:
        """The token that becomes the value as JSON text, for use between single quotes."""
        return f"$({token_of(self.name)}.json)"

    @property
    def label(self) -> str:
        """The token that becomes Maestro's label, `TOKEN.value`."""
        return f"$({token_of(self.name)}.label)"


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyView:
    """The campaign."""

    name: str
    """Its name."""
    inline: bool
    """Whether its specifications hold the values themselves, so that no pgen is needed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchView:
    """The batch that is rendered."""

    name: str
    """Its name, the study's name for Maestro: the campaign's and the batch's id."""
    id: str
    """Its number as text, zero-padded: `0003`."""
    number: int
    """Its number, counted from 0."""
    count: int
    """How many batches there are."""
    start: int
    """The table's row that is its first, counted from 0."""
    nrows: int
    """How many rows it has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableView:
    """The table that the rows come from."""

    rows: int
    """How many rows it has, in all batches together."""
    columns: tuple[str, ...]
    """The names of its columns, the index too."""
    index: str | None
    """The column of row ids; none where rows are numbered from 0."""


class Variables:
    """The template's variables, `vars.name`; only what was set is there."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        """Hold the values that were set."""
        self._values = dict(values)

    def __getitem__(self, name: str) -> Any:
        """Return a variable's value."""
        return self._values[name]

    def __contains__(self, name: object) -> bool:
        """Tell whether a variable was set."""
        return name in self._values

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names."""
        return iter(self._values)


def parameter_views(
    names: Sequence[str],
    columns: Sequence[str],
    preview: Sequence[Sequence[str]],
    laws: Mapping[str, str],
) -> list[ParameterView]:
    """Return the views of the parameters, with their values in the preview's rows."""
    views = []
    for name in names:
        place = columns.index(name)
        values = tuple(row[place] for row in preview if place < len(row))
        views.append(
            ParameterView(name=name, law=laws.get(name), first=values[0] if values else "", values=values)
        )
    return views


def base_context(
    params: Sequence[ParameterView], variables: Mapping[str, Any], jobs: JobView | None = None
) -> dict[str, Any]:
    """Return the part of the context that is the same for all batches."""
    return {
        "params": list(params),
        "row_id": f"$({ROW_ID})",
        "row_label": f"$({ROW_ID}.label)",
        "scheduler": jobs,
        "vars": Variables(variables),
    }
