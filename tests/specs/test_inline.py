"""Specs that hold the values themselves, and what Maestro would merge, mangle or choke on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from genstudy.errors import UserError
from genstudy.maestro.specs import folder_name
from genstudy.specs.make import write_campaign
from genstudy.specs.options import Options
from tests.rendering.support import spec
from tests.specs.support import make, names, refusal

pytestmark = pytest.mark.usefixtures("in_tmp")


WAY_OUT = "\n  leave --inline out: then workspaces are named by the row id, and any value is fine"
NOT_HERE = (
    "cannot stand in an inline specification: Maestro makes names of folders and lines of its status file "
    "from it, unquoted" + WAY_OUT
)
ONE_RUNS = "Maestro would run one of them only\n  use $(ROW_ID) in the step, or leave --inline out"
TWO = "  - name: two\n    description: x\n    run:\n      cmd: ls\n"


def inline(table: str, cmd: str = "echo $(A.quoted)", more: str = "", **options: Any) -> dict[str, Any]:
    """Make an inline campaign and return its first specification's data."""
    make(table, template=spec(cmd, more=more), inline=True, **options)
    data: dict[str, Any] = yaml.load(Path("out/t_0000.yaml").read_text(), Loader=yaml.FullLoader)
    return data


def test_values_stand_in_the_spec_and_there_is_no_pgen() -> None:
    campaign = make(
        "a,b\n010,no\n1.10,1:30:00\n3,yes\n",
        template=spec("echo $(A.quoted) $(B)"),
        inline=True,
        batch_size=2,
    )
    assert names("out") == ["manifest.json", "t_0000.yaml", "t_0001.yaml", "table.csv"]
    assert Path("out/t_0000.yaml").read_text() == spec("echo $(A) $(B)", name='"study_0000"') + (
        '\nglobal.parameters:\n    "A":\n        values:\n            - "010"\n            - "1.10"\n'
        '        label: "A.%%"\n    "B":\n        values:\n            - "no"\n            - "1:30:00"\n'
        '        label: "B.%%"\n'
    )
    assert campaign.manifest.pgen_sha256 is None
    assert campaign.manifest.settings.mode == "inline"
    assert campaign.command(campaign.manifest.batches[1]) == "maestro run out/t_0001.yaml"


def test_the_row_id_is_a_parameter_where_a_step_uses_it() -> None:
    data = inline("id,a\nr1,1\nr2,1\n", "echo $(A) $(ROW_ID)", index="id")
    assert data["global.parameters"] == {
        "A": {"values": ["1", "1"], "label": "A.%%"},
        "ROW_ID": {"values": ["r1", "r2"], "label": "row_%%"},
    }
    data = inline("a\n1\n1\n1\n", "echo $(A) $(ROW_ID)", start=1, force=True)
    assert data["global.parameters"]["ROW_ID"]["values"] == ["1", "2"]


@pytest.mark.parametrize(("column", "form"), [(["1", "-2.5e3", "0"], "$(A)"), (["x", "010", "1."], '"$(A)"')])
def test_json_values(column: list[str], form: str) -> None:
    data = inline("a\n" + "\n".join(column), "echo $(A.json)")
    assert data["study"][0]["run"]["cmd"] == f"echo {form}\n"


@pytest.mark.parametrize(
    ("table", "cmd", "message"),
    [
        (
            "a,b\n1,2\n1,4\n",
            "$(A)",
            f"step 'one', row 1: the label 'A.1' is the same as that of row 0: {ONE_RUNS}",
        ),
        (
            "a,b\n1,2\n3,4\n1,2\n",
            "$(A) $(B)",
            f"step 'one', row 2: the label 'A.1.B.2' is the same as that of row 0: {ONE_RUNS}",
        ),
        (
            "a,b\nab,2\na:b,4\n",
            "$(A)",
            f"step 'one', row 1: the label 'A.a:b' gives the same folder as that of row 0: {ONE_RUNS}",
        ),
        (
            "a,b\né1,2\nè1,4\n",
            "$(A)",
            f"step 'one', row 1: the label 'A.è1' gives the same folder as that of row 0: {ONE_RUNS}",
        ),
        (
            "a,b\n" + "x" * 240 + ",2\n",
            "$(A)",
            "step 'one', row 0: the workspace's name has 245 characters, of 242" + WAY_OUT,
        ),
    ],
)
def test_workspaces_that_would_not_be_one_a_row(table: str, cmd: str, message: str) -> None:
    assert refusal(lambda: inline(table, f"echo {cmd}")) == f"x.yaml rendered for t_0000, {message}"
    assert names() == ["t.csv", "x.yaml"]


def test_labels_that_dots_make_the_same() -> None:
    message = refusal(lambda: inline("a,b\n1.B.2,3\n1,2.B.3\n", "echo $(A) $(B)"))
    assert "step 'one', row 1: the label 'A.1.B.2.B.3' is the same as that of row 0" in message


def test_a_step_that_follows_takes_over_the_parameters() -> None:
    table = "a,b\n1,2\n1,4\n"
    inline(table, "echo $(A) $(B)", TWO + "      depends: [one]\n")
    more = TWO.replace("ls", "echo $(A) $(one.workspace)") + "      depends: [one]\n"
    inline(table, "echo $(A) $(B)", more, force=True)
    funnel = TWO.replace("ls", "echo $(A)") + '      depends: ["one_*"]\n'
    assert "step 'two', row 1: the label 'A.1' is the same" in refusal(
        lambda: inline(table, "echo $(A) $(B)", funnel, force=True)
    )


def test_a_shared_step_may_run_once_for_several_rows() -> None:
    text = spec("echo $(A)").replace("name: one", "name: {{ shared('one') }}")
    text += TWO.replace("ls", "echo $(B)")
    make("a,b\n1,2\n1,4\n", template=text, inline=True)
    assert names("out") == ["manifest.json", "t_0000.yaml", "table.csv"]
    message = refusal(lambda: make("a,b\nab,2\na:b,4\n", template=text, inline=True, force=True))
    assert "step 'one', row 1: the label 'A.a:b' gives the same folder" in message


@pytest.mark.parametrize("value", ["x/y", "x y", "$x", "x;y", "'", "x*", "~", "#"])
def test_values_that_an_inline_spec_cannot_hold(value: str) -> None:
    assert refusal(lambda: inline(f"a,b\n1,2\n2,{value}\n")) == (
        f"t.csv, row 1, column b: {value!r} {NOT_HERE}"
    )


def test_commas_and_empty_cells_that_an_inline_spec_cannot_hold() -> None:
    assert (
        refusal(lambda: inline('id,a\nr1,"x,y"\n', index="id"))
        == f"t.csv, row r1, column a: 'x,y' {NOT_HERE}"
    )
    assert (
        refusal(lambda: inline("a,b\n,2\n", allow_missing=True)) == f"t.csv, row 0, column a: '' {NOT_HERE}"
    )


def test_json_values_of_both_kinds() -> None:
    assert refusal(lambda: inline("a,b\n1,2\nx,2\n", "echo $(A.json)")) == (
        "x.yaml rendered for t_0000: $(A.json): some values of the batch are numbers and some are not"
        + WAY_OUT
    )


def test_only_the_rows_asked_for_are_looked_at() -> None:
    data = inline("a,b\nx/y,1\n1,y\n2,z\n1,z\n", start=1, rows=2)
    assert data["global.parameters"]["A"]["values"] == ["1", "2"]


@given(
    st.lists(
        st.text(st.sampled_from("ab1.:+=%é-_"), min_size=1, max_size=3).filter(lambda text: text != "nan"),
        min_size=1,
        max_size=6,
    )
)
def test_what_passes_has_a_folder_a_row(tmp_path: Path, values: list[str]) -> None:
    table, text = tmp_path / "t.csv", tmp_path / "x.yaml"
    table.write_text("a\n" + "".join(f'"{value}"\n' for value in values), encoding="utf-8")
    text.write_text(spec("echo $(A.quoted)"))
    folders = {folder_name(f"A.{value}") for value in values}
    try:
        write_campaign(table, None, Options(template=text, inline=True))
    except UserError:
        assert len(folders) < len(values)
    else:
        assert len(folders) == len(values)
