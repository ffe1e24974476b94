"""Specifications made over for other batches: the rows and the name are new, and nothing else."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from genstudy.errors import UserError
from genstudy.maestro.specs import load_spec
from genstudy.specs.rebake import Part, common_text, inline_subset, rebake
from tests.rendering.support import spec
from tests.specs.support import make, refusal, template
from tests.specs.test_bake import FLOW

pytestmark = pytest.mark.usefixtures("in_tmp")

NEW: dict[str, str | int] = {
    "PARG_CSV": "$(SPECROOT)/again, 'x_0000'.csv",
    "PARG_START": 0,
    "PARG_NROWS": 7,
    "PARG_OFFSET": 12,
    "PARG_BYTES": 99,
    "PARG_SHA256": "1234e56",
}
INDEX: dict[str, str | int] = {**NEW, "PARG_INDEX": "no"}
ENVS = (
    "env:\n  variables:\n    X: 1\n    Y: z\n",
    "env:\n        variables:\n         X: 1\n",
    "env: {variables: {X: 1}}\n",
    "env:\n  variables: {X: 1}\n",
    "env:\n  variables: {\n    X: 1,\n    Y: z }\n",
    "env:\n  variables: {}\n",
    "env: {}\n",
    "env:\n  labels:\n    L: x\n",
    "env: {labels: {L: x}}\n",
    "",
    "env: &e\n  variables: &v\n    X: 1\n",
)
TEXTS = [
    *map(template, ENVS),
    template("").rstrip(),
    "---\n" + template(ENVS[0]),
    "\ufeff" + template(ENVS[0]),
    template(ENVS[0]).replace("\n", "\r\n"),
    "# µ∅🙂\n" + template(ENVS[2]),
    FLOW,
]


def text_of(number: int) -> str:
    return Path(f"out/t_000{number}.yaml").read_bytes().decode()


def variables_of(text: str) -> dict[str, Any]:
    found: dict[str, Any] = load_spec(text, "spec").data["env"]["variables"]
    return found


def without_variables(text: str) -> Any:
    data = yaml.load(text.removeprefix("\ufeff"), Loader=yaml.FullLoader)
    data["env"].pop("variables")
    return data


@pytest.mark.parametrize("pargs", [NEW, INDEX], ids=["old", "more"])
@pytest.mark.parametrize("text", TEXTS)
def test_the_arguments_are_new_and_the_rest_is_as_it_was(text: str, pargs: dict[str, Any]) -> None:
    make(template=text.replace("name: x", "name: '{{ batch.name }}'"), batch_size=2)
    old = text_of(1)
    new = rebake(old, old_name="t_0001", new_name="t_0007", pargs=pargs)
    assert variables_of(new) == {**variables_of(old), **pargs}
    assert list(variables_of(new))[: len(pargs)] == list(pargs)
    assert without_variables(new) == without_variables(old.replace("t_0001", "t_0007"))
    assert len(new.splitlines()) - len(old.splitlines()) in ({0, 1} if pargs is INDEX else {0})


@given(
    env=st.sampled_from(ENVS),
    csv=st.text(st.characters(exclude_categories=["Cs"]), min_size=1),
    start=st.integers(0, 10**15),
    index=st.text(st.characters(exclude_categories=["Cs"]), min_size=1),
)
def test_arguments_of_every_kind(in_tmp: Path, env: str, csv: str, start: int, index: str) -> None:
    old = (in_tmp / "old.yaml").as_posix()
    make(template=template(env), force=Path("out").is_dir())
    Path(old).write_bytes(Path("out/t_0000.yaml").read_bytes())
    wanted: dict[str, str | int] = {"PARG_CSV": csv, "PARG_START": start, "PARG_INDEX": index}
    made = rebake(Path(old).read_text(), old_name="t_0000", new_name="t_0001", pargs=wanted)
    found = variables_of(made)
    assert {name: found[name] for name in wanted} == wanted
    assert found["PARG_NROWS"] == 4
    again = rebake(made, old_name="t_0001", new_name="t_0002", pargs=wanted)
    assert variables_of(again) == found
    assert common_text(again, "t_0002") == common_text(Path(old).read_text(), "t_0000")


NAMES = """echo $(A) {{ batch.name }}.log x-{{ batch.name }}_y {{ batch.name }}1 moon{{ batch.name }}
echo "{{ batch.name }}" /p/{{ batch.name }}/$(B) # {{ batch.name }}"""


def test_the_name_is_replaced_where_it_is_a_word() -> None:
    make(template=spec(NAMES, name="{{ batch.name }}"), batch_size=2)
    new = rebake(text_of(1), old_name="t_0001", new_name="t_0012", pargs={})
    assert load_spec(new, "new").steps[0].texts["cmd"] == (
        'echo $(A) t_0012.log x-t_0012_y t_00011 moont_0001\necho "t_0012" /p/t_0012/$(B) # t_0012\n'
    )
    assert load_spec(new, "new").name == "t_0012"


def test_the_name_in_an_argument_that_stays_is_left_alone() -> None:
    Path("x_0000").mkdir()
    Path("x_0000/x.csv").write_text("a\n1\n")
    from genstudy.specs.make import make_specs
    from genstudy.specs.options import Options

    make_specs("x_0000/x.csv", "out", Options(reference=True))
    text = Path("out/x_0000.yaml").read_text()
    new = rebake(text, old_name="x_0000", new_name="x_0001", pargs={"PARG_NROWS": 1})
    assert variables_of(new)["PARG_CSV"] == str(Path("x_0000/x.csv").resolve())
    assert load_spec(new, "new").name == "x_0001"


@pytest.mark.parametrize(
    ("written", "old", "new"),
    [
        ("plain", "plain_0001", "plain_0007"),
        ("'two words'", "two words_0001", "two words_0007"),
        ("{{ batch.name }}", "t_0001", "t_0007"),
        ("x-{{ batch.id }}-y", "x-0001-y", "x-0001-y_0007"),
        ("b{{ batch.number }}", "b1", "b1_0007"),
        (">-\n    b{{ batch.number }}", "b1", "b1"),
        (">-\n    {{ batch.name }}", "t_0001", "t_0007"),
    ],
)
def test_the_study_has_a_name_of_its_own(written: str, old: str, new: str) -> None:
    make(
        template=f"description:\n  name: {written}\n"
        + spec("echo $(A)").partition("\n")[2].partition("\n")[2],
        batch_size=2,
    )
    text = text_of(1)
    assert load_spec(text, "old").name == old
    assert load_spec(rebake(text, old_name="t_0001", new_name="t_0007", pargs={}), "new").name == new


def test_what_has_no_arguments_is_refused() -> None:
    message = refusal(lambda: rebake(spec("echo"), old_name="t_0000", new_name="t_0001", pargs=NEW))
    assert message == "t_0000.yaml: the specification has no arguments for a pgen"


def test_a_name_that_only_yaml_sees_is_refused() -> None:
    cmd = '"echo $(A)\\n{{ batch.name }}"'
    make(template=spec("x").rpartition("cmd: ")[0] + f"cmd: {cmd}\n")
    assert refusal(lambda: rebake(text_of(0), old_name="t_0000", new_name="t_0001", pargs={})) == (
        "t_0000.yaml: it cannot be made over for t_0001: genstudy does not understand how it is written"
    )


@pytest.mark.parametrize("text", TEXTS)
def test_what_batches_have_in_common(text: str) -> None:
    make(template=text.replace("name: x", "name: '{{ batch.name }}'"), batch_size=1)
    texts = {common_text(text_of(number), f"t_000{number}") for number in range(4)}
    assert len(texts) == 1
    assert "PARG_" not in texts.pop()


def test_line_ends_that_only_yaml_knows_are_refused() -> None:
    assert refusal(lambda: common_text("# a\rb\n" + spec("echo"), "t_0000")).startswith(
        "t_0000.yaml, line 1: the character U+000D ends a line in YAML, and nowhere else"
    )


@given(st.data())
def test_a_text_that_was_changed_is_compared_or_refused(data: st.DataObject) -> None:
    make(template=data.draw(st.sampled_from(TEXTS)), force=Path("out").is_dir())
    text = text_of(0)
    at = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(at, min(len(text), at + 9)) | st.just(len(text)))
    text = text[:at] + data.draw(st.text(" \n:{}[]'\"?-&*!#a0,", max_size=4)) + text[end:]
    with contextlib.suppress(UserError):
        common_text(text, "t_0000")


@pytest.mark.parametrize("varies", ["{{ batch.number }}", "{{ batch.start }}", "{{ batch.id }}"])
def test_batches_that_differ_in_more_than_their_rows(varies: str) -> None:
    make(template=spec(f"echo $(A) {varies}"), batch_size=1)
    assert len({common_text(text_of(number), f"t_000{number}") for number in range(4)}) == 4


def test_shared_steps_and_unsafe_values_are_no_matter_of_rows() -> None:
    make(template=spec("echo $(A)", step="{{ shared('one') }}"), allow_unsafe_values=True)
    text = text_of(0)
    assert common_text(text, "t_0000") != common_text(
        text.replace('SHARED: "one"', 'SHARED: "two"'), "t_0000"
    )
    assert 'PARG_SHARED: "one"\nPARG_UNSAFE: "yes"\n' in common_text(text, "t_0000")
    assert "PARG_CSV" not in common_text(text, "t_0000")


INLINE = "echo $(A.quoted) $(B.json) {{ batch.name }}"


def inline_parts(table: str, *places: list[int], cmd: str = INLINE, **options: Any) -> list[Part]:
    """Make an inline campaign, and return these rows of its first batches."""
    make(table, template=spec(cmd, name="{{ batch.name }}"), inline=True, **options)
    return [
        Part(text=text_of(number), name=f"t_000{number}", places=chosen)
        for number, chosen in enumerate(places)
    ]


def test_rows_of_inline_specifications() -> None:
    parts = inline_parts("a,b\n010,no\n1.10,yes\n3,1:30\n4,x\n5,y\n", [1], [0, 1], batch_size=2)
    found = load_spec(inline_subset(parts, name="t_0007", shared=()), "new")
    assert found.data["global.parameters"] == {
        "A": {"values": ["1.10", "3", "4"], "label": "A.%%"},
        "B": {"values": ["yes", "1:30", "x"], "label": "B.%%"},
    }
    assert found.name == "t_0007"
    assert found.steps[0].texts["cmd"] == 'echo $(A) "$(B)" t_0007\n'


CELLS = st.text(st.sampled_from("ab01.:+=%é-_"), min_size=1, max_size=4).filter(lambda text: text != "nan")


@given(st.data())
def test_every_choice_of_rows(data: st.DataObject) -> None:
    values = data.draw(st.lists(CELLS, min_size=2, max_size=8))
    size = data.draw(st.integers(1, len(values)))
    table = "no,a\n" + "".join(f'r{number},"{value}"\n' for number, value in enumerate(values))
    batches = [values[at : at + size] for at in range(0, len(values), size)]
    numbers = st.sets(st.integers(0, size - 1), min_size=1).map(sorted)
    places = [[place for place in data.draw(numbers) if place < len(batch)] for batch in batches]
    parts = inline_parts(
        table, *places, cmd="echo $(A) $(ROW_ID)", batch_size=size, index="no", force=Path("out").is_dir()
    )
    found = load_spec(inline_subset(parts, name="t_0099", shared=()), "new").data["global.parameters"]
    wanted = [
        (f"r{batch * size + place}", batches[batch][place])
        for batch, chosen in enumerate(places)
        for place in chosen
    ]
    assert list(zip(found["ROW_ID"]["values"], found["A"]["values"], strict=True)) == wanted


def test_rows_that_maestro_would_merge_are_refused() -> None:
    parts = inline_parts("a,b\n1,2\n3,4\n1,2\n5,6\n", [0, 1], [0, 1], batch_size=2)
    assert refusal(lambda: inline_subset(parts, name="t_0007", shared=())) == (
        "t_0007.yaml, step 'one', row 0 of t_0001: the label 'A.1.B.2' is the same as that of row 0 of "
        "t_0000: Maestro would run one of them only\n  use $(ROW_ID) in the step, or leave --inline out"
    )
    found = load_spec(inline_subset(parts, name="t_0007", shared=["one"]), "new").data["global.parameters"]
    assert found["A"]["values"] == ["1", "3", "1", "5"]


def test_no_rows_at_all_are_refused() -> None:
    parts = inline_parts("a,b\n1,2\n", [])
    assert "Maestro does not accept" in refusal(lambda: inline_subset(parts, name="t_0007", shared=()))


def test_parts_that_differ_in_more_than_their_rows() -> None:
    parts = inline_parts("a,b\n1,2\n3,x\n", [0], [0], batch_size=1)
    assert refusal(lambda: inline_subset(parts, name="t_0007", shared=())) == (
        "t_0001.yaml: it differs from that of t_0000 in more than its rows"
    )


def test_inline_specifications_in_common() -> None:
    parts = inline_parts("a,b\n1,2\n3,4\n", [0], [0], batch_size=1)
    first, second = (common_text(part.text, part.name) for part in parts)
    assert first == second
    assert "global.parameters" not in first
    assert re.search("echo .*\0", first)
