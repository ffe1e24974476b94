"""When rows were at work: the quick reading of Maestro's record against the thorough one."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genstudy.maestro.status import BLANK, STATUS, read_spans, read_status

HEADER = (
    "Step Name,Job ID,Workspace,State,Run Time,Elapsed Time,Start Time,Submit Time,End Time,"
    "Number Restarts,Params"
)
TIMES = st.sampled_from([BLANK, *(f"2026-05-04 03:02:{second:02}" for second in range(0, 60, 7))])
IDS = st.sampled_from(["0", "1", "12", "a.b", "x-1"])
LINES = st.builds(
    lambda step, row, start, end, other, cut: (
        f"{step}_row_{row},7,{step}/row_{row},FINISHED,x,x,{start},{start},{end},0,ROW_ID:{other or row}"[
            :cut
        ]
    ),
    st.sampled_from(["run", "post", "a,b"]),
    IDS,
    TIMES,
    TIMES,
    st.none() | IDS,
    st.sampled_from([None, None, None, 40, -1]),
) | st.sampled_from(
    [
        "mesh_shared_12,7,mesh/shared_12,FINISHED,x,x,a,b,c,0,SHARED:shared_12",
        "mean,7,mean,FINISHED,x,x,a,b,c,0,",
        "",
    ]
)


def naive(study: Path) -> dict[str, tuple[str, str]]:
    """Return {row id: when its first step began and its last one ended}, entry by entry."""
    found: dict[str, list[tuple[str, str]]] = {}
    status = read_status(study)
    for run in status.runs if status else ():
        row = run.params.get("ROW_ID", "")
        if run.label == f"row_{row}":
            found.setdefault(row, []).append((run.began, run.ended))
    return {
        row: (
            min((began for began, _ in spans if began), default=BLANK),
            max((ended for _, ended in spans if ended), default=BLANK),
        )
        for row, spans in found.items()
    }


@given(st.lists(LINES, max_size=12))
def test_spans_are_those_of_the_entries(tmp_path_factory: pytest.TempPathFactory, lines: list[str]) -> None:
    study = tmp_path_factory.mktemp("study")
    (study / STATUS).write_text("\n".join([HEADER, *lines]))
    assert read_spans(study, "ROW_ID", "row_") == naive(study)


def test_what_is_no_record(tmp_path: Path) -> None:
    assert read_spans(tmp_path, "ROW_ID", "row_") == {}
    (tmp_path / STATUS).symlink_to("/etc/passwd")
    assert read_spans(tmp_path, "ROW_ID", "row_") == {}
    assert read_spans(tmp_path / "none", "ROW_ID", "row_") == {}
