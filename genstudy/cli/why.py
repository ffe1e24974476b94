"""`genstudy why`: what failed rows have in common, and what they printed."""

from __future__ import annotations

import shutil
import textwrap
from typing import TYPE_CHECKING, Annotated

import typer

from genstudy.cli.completion import FolderArgument  # noqa: TC001 - Typer reads the annotations
from genstudy.cli.settings import check_utf8
from genstudy.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from genstudy.inspection.why_format import FailureGroup, FailureGroups, Why, WhyFailed

NARROWEST, WIDEST = 50, 120
TOP = 10


def why_command(
    folder: FolderArgument,
    as_json: Annotated[bool, typer.Option("--json", help="A JSON object, as docs/why.md tells.")] = False,
    top: Annotated[int, typer.Option("--top", help="The most parameters and groups to show.")] = TOP,
    step: Annotated[
        str | None, typer.Option("--step", help="Only rows that failed in this step.", show_default=False)
    ] = None,
    state: Annotated[
        str | None,
        typer.Option(
            "--state", help="Only rows with this state: FAILED, TIMEDOUT, CANCELLED.", show_default=False
        ),
    ] = None,
) -> None:
    """Tell what failed rows have in common, and what they printed.

    It only reads, so the campaign may run meanwhile.
    """
    from genstudy.batches.known import read_campaign
    from genstudy.inspection.groups import groups_of
    from genstudy.inspection.why import why_of
    from genstudy.inspection.why_format import Why

    check_utf8(folder, step, state)
    if top < 1:
        raise UserError(f"--top takes a number from 1 on, not {top}")
    known = read_campaign(folder)
    found = Why(
        format=1,
        causes=why_of(known, step=step, state=state),
        output=groups_of(known, limit=top, step=step, state=state),
    )
    typer.echo(found.model_dump_json(indent=2) if as_json else "\n".join(_lines(found, str(folder), top)))


def _lines(found: Why, folder: str, top: int) -> Iterator[str]:
    from genstudy.inspection.why_ranges import shown

    width = min(max(shutil.get_terminal_size().columns, NARROWEST), WIDEST)
    why = found.causes
    yield from _wrapped(
        f"{shown(folder)}: {why.done:,} rows done, {_failed(why):,} failed, {why.pending:,} pending", width, 0
    )
    if why.kinds:
        yield from _kinds(why, width, top)
    yield ""
    yield from _causes(why, width, top)
    if found.output.groups:
        yield ""
        yield from _groups(found.output, width)


def _failed(why: WhyFailed) -> int:
    return sum(kind.rows for kind in why.kinds)


def _kinds(why: WhyFailed, width: int, top: int) -> Iterator[str]:
    from genstudy.inspection.why_text import kind_text

    for kind in why.kinds[:top]:
        yield _cut(f"{kind.rows:8,}  {kind_text(kind)}", width)
    if len(why.kinds) > top:
        rows = sum(kind.rows for kind in why.kinds[top:])
        yield f"{rows:8,}  in {len(why.kinds) - top:,} more ways"


def _causes(why: WhyFailed, width: int, top: int) -> Iterator[str]:
    from genstudy.inspection.why_text import apart_text, cause_text, verdict_text
    from genstudy.units import counted

    colon = ":" if why.causes else ""
    yield from _wrapped(f"{verdict_text(why)}{colon}", width, 0)
    for cause in why.causes[:top]:
        first, *more = cause_text(cause)
        yield from _wrapped(first, width, 2)
        for line in more:
            yield from _wrapped(line, width, 6)
    if len(why.causes) > top:
        left = len(why.causes) - top
        yield f"  ... and {counted(left, 'more parameter')}: --top {len(why.causes)} shows all"
    if text := apart_text(why):
        yield from _wrapped(text, width, 0)


def _groups(output: FailureGroups, width: int) -> Iterator[str]:
    from genstudy.units import counted

    word = "what they printed last" if output.failed > 1 else "what it printed last"
    if output.read < output.failed:
        word += f" (read: {output.read:,} of {output.failed:,} rows, chosen by chance)"
    yield from _wrapped(f"{word}:", width, 0)
    for group in output.groups:
        yield from _group(group, width)
    if output.others:
        yield from _wrapped(
            f"... and {counted(output.rows_in_others, 'row')} in {counted(output.others, 'more group')}: "
            f"--top {len(output.groups) + output.others} shows all",
            width,
            2,
        )


def _group(group: FailureGroup, width: int) -> Iterator[str]:
    from genstudy.inspection.why_ranges import shown
    from genstudy.inspection.why_text import kind_text
    from genstudy.units import counted

    row = f"{'such as ' if group.rows > 1 else ''}row {shown(group.id)} of batch {group.batch}"
    head = f"{counted(group.rows, 'row')} ({100 * group.share:.3g} %), {kind_text(group)}, {row}"
    yield from _wrapped(head, width, 2)
    for line in (group.example or "(nothing)").split("\n"):
        yield _cut(f"{'':6}{line.expandtabs()}", width)


def _wrapped(text: str, width: int, indent: int) -> list[str]:
    return textwrap.wrap(
        text,
        width,
        initial_indent=" " * indent,
        subsequent_indent=" " * (indent + 2),
        break_on_hyphens=False,
        expand_tabs=False,
        replace_whitespace=False,
    )


def _cut(line: str, width: int) -> str:
    return line if len(line) <= width else f"{line[: width - 3]}..."
