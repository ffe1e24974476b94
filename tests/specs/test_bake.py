"""The pgen's arguments in the spec, whatever the template's env block looks like."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
import yaml

from genstudy.specs.make import make_specs
from genstudy.specs.options import Options
from genstudy.specs.writer import NO_HASH
from tests.specs.support import make, names, refusal, template

pytestmark = pytest.mark.usefixtures("in_tmp")


FLOW = (
    "{description: {name: x, description: y}, "
    "study: [{name: one, description: x, run: {cmd: 'echo $(A)'}}]}\n"
)
PARGS = {
    "PARG_CSV": "$(SPECROOT)/table.csv",
    "PARG_START": 0,
    "PARG_NROWS": 4,
    "PARG_OFFSET": 4,
    "PARG_BYTES": 16,
}


@pytest.mark.parametrize(
    ("text", "variables"),
    [
        (template("env:\n  variables:\n    X: 1\n    Y: z\n"), {"X": 1, "Y": "z"}),
        (template("env:\n        variables:\n         X: 1\n"), {"X": 1}),
        (template("env: {variables: {X: 1}}\n"), {"X": 1}),
        (template("env:\n  variables: {X: 1}\n"), {"X": 1}),
        (template("env:\n  variables: {\n    X: 1,\n    Y: z }\n"), {"X": 1, "Y": "z"}),
        (template("env:\n  variables: {}\n"), {}),
        (template("env: {}\n"), {}),
        (template("env:\n  labels:\n    L: x\n"), {}),
        (template("env: {labels: {L: x}}\n"), {}),
        (template("env:\n  dependencies:\n    paths:\n    - {name: D, path: /tmp}\n"), {}),
        (template(""), {}),
        (template("").rstrip(), {}),
        (template("") + "# the end", {}),
        (template("env:\n  'variables':\n    X: 1\n").replace("env", '"env"'), {"X": 1}),
        (template("env: &e\n  variables: &v\n    X: 1\n"), {"X": 1}),
        ("---\n" + template("env:\n  variables:\n    X: 1\n"), {"X": 1}),
        ("\ufeff" + template("env:\n  variables:\n    X: 1\n"), {"X": 1}),
        (template("env:\n  variables:\n    X: 1\n").replace("\n", "\r\n"), {"X": 1}),
        ("# µ∅🙂\n" + template("env: {variables: {X: 1}}\n"), {"X": 1}),
        (FLOW, {}),
    ],
)
def test_arguments_are_put_first_and_nothing_else_changes(text: str, variables: dict[str, object]) -> None:
    make(template=text)
    baked = Path("out/t_0000.yaml").read_text(encoding="utf-8-sig")
    found = yaml.safe_load(baked)
    plain = yaml.safe_load(text.removeprefix("\ufeff"))
    plain["description"]["name"] = "x_0000"
    pargs = dict(found["env"]["variables"])
    digest = pargs.pop("PARG_SHA256")
    assert len(digest) == len(NO_HASH)
    assert pargs == {**PARGS, **variables}
    assert list(pargs)[: len(PARGS)] == list(PARGS)
    rest = {key: value for key, value in found.pop("env").items() if key != "variables"}
    assert rest == {k: v for k, v in (plain.pop("env", None) or {}).items() if k != "variables"}
    assert found == plain


def test_what_is_baked_where_it_is_asked_for() -> None:
    text = template("", cmd="echo $(A)").replace("one", "{{ shared('one') }}")
    make("no,a\nx,1\ny,2\n", template=text, index="no", allow_unsafe_values=True, batch_size=1)
    variables = yaml.safe_load(Path("out/t_0001.yaml").read_text())["env"]["variables"]
    assert variables == {
        "PARG_CSV": "$(SPECROOT)/table.csv",
        "PARG_START": 1,
        "PARG_NROWS": 1,
        "PARG_OFFSET": 9,
        "PARG_BYTES": 4,
        "PARG_SHA256": variables["PARG_SHA256"],
        "PARG_INDEX": "no",
        "PARG_SHARED": "one",
        "PARG_UNSAFE": "yes",
    }


def test_a_table_that_stays_where_it_is_is_named_in_full() -> None:
    campaign = make(reference=True)
    assert names("out") == ["manifest.json", "pgen.py", "t_0000.yaml"]
    path = str(Path("t.csv").resolve())
    assert yaml.safe_load(Path("out/t_0000.yaml").read_text())["env"]["variables"]["PARG_CSV"] == path
    assert campaign.manifest.table.path == path
    message = "--reference is for plain .csv tables that a pgen reads"
    assert refusal(lambda: make_specs("t.csv", "other", Options(reference=True, inline=True))) == message
    Path("t.csv.gz").write_bytes(gzip.compress(b"a,b\n1,2\n"))
    assert refusal(lambda: make_specs("t.csv.gz", "other", Options(reference=True))) == message


@pytest.mark.parametrize(
    ("env", "reason"),
    [
        ("env:\n", ", line 2: 'env:' holds no variables"),
        ("env: []\n", ", line 2: 'env:' holds no variables"),
        ("env:\n  variables:\n", ", line 3: 'env: variables:' holds no variables"),
        ("env:\n  variables:\n    PARG_CSV: x\n", ": the variable PARG_CSV has a name that is taken"),
        ("env:\n  variables:\n    A: x\n", ": $(A) is a variable of the template and the parameter 'a'"),
        (
            "global.parameters:\n  X: {values: [1], label: X.%%}\n",
            ": the template has a global.parameters block of its own",
        ),
        ("env:\n  ? variables\n  : X: 1\n", ": the specification could not take up the pgen's arguments"),
        (
            "# {{ 'a\\rb' }}\n",
            ", line 2: the character U+000D ends a line in YAML, and nowhere else",
        ),
        ("# a\u2028b\n", ", line 2: the character U+2028 ends a line in YAML, and nowhere else"),
    ],
)
def test_env_blocks_that_take_no_arguments(env: str, reason: str) -> None:
    message = refusal(lambda: make(template=template(env)))
    assert message.startswith("x.yaml rendered for t_0000" + reason)
    assert names() == ["t.csv", "x.yaml"]


@pytest.mark.parametrize("name", [">-\n    beam\n    more", "|-\n    beam", "&n beam", "!!str beam"])
def test_study_names_that_nothing_can_be_put_behind(name: str) -> None:
    text = f"description:\n  name: {name}\n  description: y\n" + template("").partition("\n")[2]
    assert refusal(lambda: make(template=text)) == (
        "x.yaml rendered for t_0000, line 2: the study's name gets each batch's number behind it, and is not "
        "written as one plain text\n  write it in one line: name: beam"
    )


def test_a_tag_or_an_anchor_at_the_variables_does_no_harm() -> None:
    for env in ("env:\n  variables: !!map {X: 1}\n", "env:\n  variables: &v {X: 1}\n"):
        make(template=template(env), force=True)
        found = yaml.load(Path("out/t_0000.yaml").read_text(), Loader=yaml.FullLoader)
        assert found["env"]["variables"]["PARG_START"] == 0
        assert found["env"]["variables"]["X"] == 1


@pytest.mark.parametrize(
    ("written", "study_names"),
    [
        ("plain", ["plain_0000", "plain_0001"]),
        ("'two words'", ["two words_0000", "two words_0001"]),
        ('"tab\\x2d"', ["tab-_0000", "tab-_0001"]),
        ("{{ study.name }}", ["t_0000", "t_0001"]),
        ("{{ batch.name }}", ["t_0000", "t_0001"]),
        ("x-{{ batch.id }}-y", ["x-0000-y", "x-0001-y"]),
        ("b{{ batch.number }}", ["b0", "b1"]),
    ],
)
def test_every_batch_has_a_study_name_of_its_own(in_tmp: Path, written: str, study_names: list[str]) -> None:
    text = template("").replace("name: x", f"name: {written}")
    for inline in (False, True):
        make(template=text, batch_size=2, inline=inline, force=inline)
        found = [yaml.safe_load((in_tmp / f"out/t_000{number}.yaml").read_text()) for number in range(2)]
        assert [data["description"]["name"] for data in found] == study_names
