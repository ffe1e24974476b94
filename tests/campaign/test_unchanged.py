"""Campaigns whose files changed, were exchanged or went away."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from genstudy.batches.slices import table_of
from genstudy.campaign.unchanged import check_unchanged
from genstudy.errors import UserError
from genstudy.specs.manifest import PGEN_FILE

from .studies import Lab, step, template

TEXT = template(step("simulate", "echo $(A.quoted) {{ batch.name }}"))
TABLE = "a,b\n" + "".join(f"{n},{n * n}\n" for n in range(7))
HINT = "\n  bring it back, or make the campaign anew with genstudy specs"


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab.make(tmp_path, TEXT, table=TABLE, batch_size=3)


def refusal(lab: Lab, number: int = 1) -> str:
    with pytest.raises(UserError) as caught:
        check_unchanged(lab.folder, lab.manifest, lab.manifest.batches[number])
    return str(caught.value)


def edit(path: Path, change: Callable[[str], str]) -> None:
    path.write_text(change(path.read_text()))


@pytest.mark.parametrize("options", [{}, {"inline": True}, {"reference": True}, {"index": "b"}])
def test_a_campaign_as_it_was_made(tmp_path: Path, options: dict[str, object]) -> None:
    lab = Lab.make(tmp_path, TEXT, table=TABLE, batch_size=3, **options)
    for batch in lab.manifest.batches:
        check_unchanged(lab.folder, lab.manifest, batch)


# The specification


def test_a_changed_specification(lab: Lab) -> None:
    spec = lab.folder / "lab_0001.yaml"
    edit(spec, lambda text: text.replace("echo $(A.quoted)", "echo hello"))
    shown = refusal(lab)
    assert shown.startswith(
        f"{spec}: it changed since the campaign was made\n    compared with lab_0000.yaml:\n"
    )
    assert "\n    -              echo $(A.quoted) BATCH\n    +              echo hello BATCH" in shown
    assert "PARG_" not in shown
    assert shown.endswith(HINT)
    check_unchanged(lab.folder, lab.manifest, lab.manifest.batches[0])


def test_a_specification_whose_rows_were_changed(lab: Lab) -> None:
    edit(lab.folder / "lab_0001.yaml", lambda text: text.replace("PARG_START: 3", "PARG_START: 2"))
    assert "\n    in the values of PARG_..." in refusal(lab)


def test_a_specification_that_is_no_yaml_any_more(lab: Lab) -> None:
    edit(lab.folder / "lab_0001.yaml", lambda text: text.replace("study:", "study: ["))
    assert "\n    -study:\n    +study: [" in refusal(lab)


def test_a_specification_exchanged_with_another_batchs(lab: Lab) -> None:
    text = (lab.folder / "lab_0002.yaml").read_text()
    edit(lab.folder / "lab_0001.yaml", lambda _: text)
    assert "compared with lab_0000.yaml" in refusal(lab)


def test_all_specifications_changed(lab: Lab) -> None:
    for path in lab.folder.glob("*.yaml"):
        edit(path, lambda text: text + "# a remark\n")
    assert refusal(lab) == f"{lab.folder / 'lab_0001.yaml'}: it changed since the campaign was made{HINT}"


def test_an_inline_specification(tmp_path: Path) -> None:
    lab = Lab.make(tmp_path, TEXT, table=TABLE, batch_size=3, inline=True)
    edit(lab.folder / "lab_0001.yaml", lambda text: text.replace("description: d", "description: e", 1))
    shown = refusal(lab)
    assert "\n    -    description: d\n    +    description: e" in shown
    assert "values" not in shown


def test_much_that_changed_is_shown_in_part(lab: Lab) -> None:
    lines = "".join(f"# line {n} \x1b[2J\n" for n in range(500))
    edit(lab.folder / "lab_0001.yaml", lambda text: lines + text)
    shown = refusal(lab)
    assert len(shown.splitlines()) == 2 + 20 + 1
    assert r"+# line 0 \x1b[2J" in shown
    assert "\x1b" not in shown
    assert " more lines\n" in shown


# The pgen


def test_a_changed_pgen(lab: Lab) -> None:
    edit(lab.folder / "pgen.py", lambda text: text.replace("MOST = 10**15", "MOST = 10**3"))
    shown = refusal(lab)
    assert shown.startswith(f"{lab.folder / 'pgen.py'}: it changed since the campaign was made\n    @@ ")
    assert "\n    -MOST = 10**15\n    +MOST = 10**3\n" in shown
    assert shown.endswith(HINT)


def test_a_pgen_of_another_version(lab: Lab) -> None:
    made = lab.manifest.model_copy(update={"pgen_sha256": "0" * 64})
    with pytest.raises(UserError) as caught:
        check_unchanged(lab.folder, made, lab.batch)
    assert str(caught.value) == f"{lab.folder / 'pgen.py'}: it changed since the campaign was made{HINT}"
    assert (lab.folder / "pgen.py").read_bytes() == PGEN_FILE.read_bytes()


# The table


def test_a_cell_that_changed(lab: Lab) -> None:
    table = lab.folder / "table.csv"
    edit(table, lambda text: text.replace("4,16", "4,17"))
    assert refusal(lab) == (
        f"{table}: it changed since the campaign was made\n"
        "    of batch 0001: rows 3 to 5, 14 bytes from 16\n"
        f"    the file has 35 bytes, and had 35{HINT}"
    )
    check_unchanged(lab.folder, lab.manifest, lab.manifest.batches[0])
    check_unchanged(lab.folder, lab.manifest, lab.manifest.batches[2])


def test_a_row_that_was_put_in(lab: Lab) -> None:
    edit(lab.folder / "table.csv", lambda text: text.replace("0,0\n", "0,0\n9,9\n"))
    assert "the file has 39 bytes, and had 35" in refusal(lab)


def test_a_column_that_was_renamed(lab: Lab) -> None:
    edit(lab.folder / "table.csv", lambda text: text.replace("a,b", "a,c"))
    for number in range(3):
        assert "its columns are a, c, and were a, b" in refusal(lab, number)


@pytest.mark.parametrize("left", ["", "a,b\n"])
def test_a_table_that_was_emptied(lab: Lab, left: str) -> None:
    edit(lab.folder / "table.csv", lambda _: left)
    assert f"the file has {len(left)} bytes, and had 35" in refusal(lab)


def test_a_table_left_where_it_was(tmp_path: Path) -> None:
    lab = Lab.make(tmp_path, TEXT, table=TABLE, batch_size=3, reference=True)
    assert table_of(lab.folder, lab.manifest, lab.batch) == tmp_path / "t.csv"
    edit(tmp_path / "t.csv", lambda text: text.replace("4,16", "4,17"))
    assert refusal(lab).startswith(f"{tmp_path / 't.csv'}: it changed")


# What is missing or leads elsewhere


@pytest.mark.parametrize("name", ["lab_0001.yaml", "pgen.py", "table.csv"])
def test_what_is_missing(lab: Lab, name: str) -> None:
    (lab.folder / name).unlink()
    assert refusal(lab) == f"{lab.folder / name}: the file is missing{HINT}"
    (lab.folder / name).mkdir()
    assert refusal(lab) == f"{lab.folder / name}: the file is missing{HINT}"


@pytest.mark.parametrize("name", ["../t.csv", "/etc/passwd", "x/../table.csv", "..", ".", "", "a\0b"])
def test_names_that_lead_elsewhere(lab: Lab, name: str) -> None:
    (lab.folder / "x").mkdir()
    for changes in ({"spec": name}, {"table": name}):
        batch = lab.batch.model_copy(update=changes)
        with pytest.raises(UserError, match="which is none of its folder"):
            check_unchanged(lab.folder, lab.manifest, batch)
