"""Templates rendered: what they see, and what is said when one is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from genstudy.rendering.templates import builtin_folder, builtin_names
from tests.rendering.support import BATCH, STUDY, TABLE, refusal, rendered, template

pytestmark = pytest.mark.usefixtures("in_tmp")


BUILT_IN = f"\n  built in are: {', '.join(builtin_names())}; others are found beside the template"
RAW = "\n  for text that is not Jinja's: {% raw %}...{% endraw %}"


def test_bash_keeps_its_braces() -> None:
    text = "n=${#list[@]} ${var%%x} ${var##*/} $((1 + 2)) ${#var} {a,b} [[ $x ]] # {{ batch.name }}\n"
    assert rendered(text) == text.replace("{{ batch.name }}", "beam_0002")
    assert rendered("a {%# a comment #%}b\n") == "a b\n"


def test_what_a_template_sees() -> None:
    text = """{{ study.name }} {{ study.inline }}
{{ batch.name }} {{ batch.id }} {{ batch.number }} {{ batch.count }} {{ batch.start }} {{ batch.nrows }}
{{ table.rows }} {{ table.columns | join(",") }} {{ table.index }}
{% for p in params %}
{{ p.name }} {{ p.token }} {{ p.quoted }} {{ p.json }} {{ p.label }} {{ p.law }} {{ p.first }}
{{ p.values | join(",") }}
{% endfor %}
{{ row_id }} {{ row_label }} {{ vars.size }} {{ vars["unit"] }} {{ "unit" in vars }}
"""
    assert rendered(text, size=3, unit="mm") == (
        "beam False\n"
        "beam_0002 0002 2 7 20 10\n"
        "70 id,width,height,material id\n"
        "width $(WIDTH) $(WIDTH.quoted) $(WIDTH.json) $(WIDTH.label) uniform(1, 2) 1.5\n1.5,1.6,1.7\n"
        "height $(HEIGHT) $(HEIGHT.quoted) $(HEIGHT.json) $(HEIGHT.label) None 10\n10,20,30\n"
        "material $(MATERIAL) $(MATERIAL.quoted) $(MATERIAL.json) $(MATERIAL.label) None steel\n"
        "steel,brass,steel\n"
        "$(ROW_ID) $(ROW_ID.label) 3 mm True\n"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{{ ''.__class__ }}", "access to attribute '__class__' of 'str' object is unsafe."),
        ("{{ ''.__class__.__mro__ }}", "access to attribute '__class__' of 'str' object is unsafe."),
        ("{{ '{0.__class__}'.format(1) }}", "access to attribute '__class__' of 'int' object is unsafe."),
        ("{{ echo_params.__func__ }}", "access to attribute '__func__' of 'method' object is unsafe."),
        ("{{ lipsum.__globals__ }}", "access to attribute '__globals__' of 'function' object is unsafe."),
        ("{{ params.append(1) }}", "access to attribute 'append' of 'list' object is unsafe."),
        (
            "{{ range(10**9) | list }}",
            "Range too big. The sandbox blocks ranges larger than MAX_RANGE (100000).",
        ),
    ],
)
def test_the_sandbox(text: str, message: str) -> None:
    assert refusal(lambda: rendered("one\n" + text)) == f"t.j2, line 2: {message}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{{ bacth.name }}", "'bacth' is not defined (did you mean 'batch'?)"),
        ("{{ echo_param() }}", "'echo_param' is not defined (did you mean 'echo_params'?)"),
        ("{{ zzz }}", "'zzz' is not defined"),
        ("{{ batch.nam }}", "batch has no 'nam' (did you mean 'name'?)"),
        ("{{ study.inlined }}", "study has no 'inlined' (did you mean 'inline'?)"),
        ("{{ study.zzz }}", "study has no 'zzz': it has inline, name"),
        ("{{ table.columms }}", "table has no 'columms' (did you mean 'columns'?)"),
        ("{{ batch.columns }}", "batch has no 'columns' (did you mean 'count'?)"),
        ("{{ params[0].tokn }}", "a parameter has no 'tokn' (did you mean 'token'?)"),
        ("{{ params[9].token }}", "list object has no element 9"),
        ("{{ vars.sise }}", "vars.sise is not set (did you mean 'size'?); pass --set sise=VALUE"),
        ("{{ vars['sise'] }}", "vars.sise is not set (did you mean 'size'?); pass --set sise=VALUE"),
        ("{{ vars.sise | yaml }}", "vars.sise is not set (did you mean 'size'?); pass --set sise=VALUE"),
        ("{{ [vars.sise] | yaml }}", "vars.sise is not set (did you mean 'size'?); pass --set sise=VALUE"),
        ("{{ vars.sise | text }}", "vars.sise is not set (did you mean 'size'?); pass --set sise=VALUE"),
        ("{{ vars.size.deep }}", "'int object' has no attribute 'deep'"),
        ("{{ 1 / 0 }}", "division by zero"),
        ("{{ 'a' + 1 }}", 'can only concatenate str (not "int") to str'),
        ("{{ echo_params(1) }}", "Macros.echo_params() takes 1 positional argument but 2 were given"),
        ("{{ 3 | indent(2) | join(4) | indent(1) + 3 }}", None),
        ("{{ batch.name ", "unexpected end of template, expected 'end of print statement'." + RAW),
        ("{% if %}", "Expected an expression, got 'end of statement block'" + RAW),
        ("{% endfor %}", "Encountered unknown tag 'endfor'." + RAW),
        ("{{ batch.name | ymal }}", "No filter named 'ymal'." + RAW),
        ("{{ 'a' * 10**18 }}", "this makes a text that does not fit into memory"),
        ("{{ 9.0 ** 999 }}", None),
        ("{% for i in range(10**7) %}{% endfor %}", None),
        ('{% include "t.j2" %}', "the template includes itself without end"),
        ('{% include "nope.j2" %}', "there is no template 'nope.j2'" + BUILT_IN),
        ('{% include "../t.j2" %}', "there is no template '../t.j2'" + BUILT_IN),
        ('{% include "/etc/passwd" %}', "there is no template '/etc/passwd'" + BUILT_IN),
        ('{% extends "ehco" %}', "there is no template 'ehco' (did you mean 'echo'?)" + BUILT_IN),
        ("{% extends nothing %}", "'nothing' is not defined"),
    ],
)
def test_a_mistake_is_told_with_its_line(text: str, message: str | None) -> None:
    found = refusal(lambda: rendered("{{ vars.size }}\n" + text + "\n", size=3))
    assert found.startswith("t.j2, line 2: ") or "unexpected end" in found
    if message is not None:
        assert found.split(": ", 1)[1] == message


def test_a_text_that_cannot_be_written() -> None:
    assert refusal(lambda: rendered("one\ntwo {{ '\\ud800' }}")) == (
        "t.j2: the rendered text has '\\ud800' in line 2, which is no character\n"
        "  look for it in the variables and in the template"
    )


def test_links_that_lead_out_of_the_folder() -> None:
    Path("inner").mkdir()
    Path("secret").write_text("secret")
    Path("inner/linked.txt").symlink_to("../secret")
    Path("inner/t.j2").write_text("one\n{% include 'linked.txt' %}")
    assert refusal(lambda: template("inner/t.j2").render(STUDY, BATCH, TABLE)) == (
        "inner/t.j2, line 2: the template asks for 'linked.txt', outside its own folder\n"
        "  put a copy of it beside the template"
    )
    Path("inner/beside.txt").write_text("beside")
    Path("inner/linked.txt").unlink()
    Path("inner/linked.txt").symlink_to("beside.txt")
    assert template("inner/t.j2").render(STUDY, BATCH, TABLE) == "one\nbeside"
    Path("main.j2").symlink_to("inner/t.j2")
    Path("linked.txt").write_text("here")
    assert template("main.j2").render(STUDY, BATCH, TABLE) == "one\nhere"


def test_a_mistake_in_what_is_extended_is_told_with_that_file() -> None:
    Path("base.j2").write_text("\n\n{% block a %}{{ zzz }}{% endblock %}")
    assert refusal(lambda: rendered('{% extends "base.j2" %}')) == "base.j2, line 3: 'zzz' is not defined"
    file = builtin_folder() / "command.yaml.j2"
    line = 1 + file.read_text().splitlines().index(
        next(line for line in file.read_text().splitlines() if "{{ vars.command" in line)
    )
    assert refusal(lambda: rendered('{% extends "command" %}')) == (
        f"{file}, line {line}: vars.command is not set; pass --set command=VALUE"
    )


def test_extending_a_built_in_changes_one_thing() -> None:
    plain = template("echo").render(STUDY, BATCH, TABLE)
    changed = rendered('{% extends "echo" %}\n{% block description %}My own{% endblock %}')
    assert changed == plain.replace("description: Echo the parameters", "description: My own")
    more = rendered('{% extends "echo" %}\n{% block steps %}{{ super() }}# more\n{% endblock %}')
    assert more == plain + "# more\n"


def test_a_template_that_may_be_missing_may_be_missing() -> None:
    assert rendered('a{% include "nope.j2" ignore missing %}b') == "ab"


def test_variables_that_no_template_looks_at() -> None:
    assert refusal(lambda: rendered("{{ vars.command }}", comand="x")) == (
        "the template 't.j2' has no variable 'comand' (did you mean 'command'?)\n  its variables are: command"
    )
    assert refusal(lambda: rendered("x", comand="x")) == (
        "the template 't.j2' has no variable 'comand'\n  it has no variables"
    )
    assert refusal(lambda: rendered('{% extends "echo" %}', outputpath="x")) == (
        "the template 't.j2' has no variable 'outputpath' (did you mean 'output_path'?)\n"
        "  its variables are: batch, output_path, run"
    )
    everything = "{% for name in vars %}{{ name }}={{ vars[name] }};{% endfor %}"
    assert rendered(everything, comand="x") == "comand=x;"


def test_the_hash_covers_all_that_is_read() -> None:
    Path("base.j2").write_text("{% block a %}{% endblock %}")
    Path("deck.in").write_text("w = $(WIDTH)")
    Path("t.j2").write_text('{% extends "base.j2" %}{% block a %}{{ deck("deck.in") }}{% endblock %}')
    hashes = []
    for file, text in (
        (None, ""),
        ("t.j2", Path("t.j2").read_text() + "\n"),
        ("base.j2", "{% block a %}{% endblock %}\n"),
        ("deck.in", "w = $(HEIGHT)"),
    ):
        if file is not None:
            Path(file).write_text(text)
        found = template("t.j2")
        found.render(STUDY, BATCH, TABLE)
        hashes.append(found.sha256)
    assert len(set(hashes)) == len(hashes)
    again = template("t.j2")
    again.render(STUDY, BATCH, TABLE)
    assert again.sha256 == hashes[-1]


def test_steps_are_marked_as_shared_by_each_rendering() -> None:
    Path("t.j2").write_text("{{ shared('mesh') }} {{ shared('mesh') }} {{ shared('010') }}")
    found = template("t.j2")
    for _ in range(2):
        assert found.render(STUDY, BATCH, TABLE) == 'mesh mesh "010"'
        assert found.shared_steps == ["mesh", "010"]


def test_templates_that_are_not_text() -> None:
    Path("t.j2").write_bytes(b"\xff")
    assert refusal(lambda: template("t.j2")) == "t.j2: not UTF-8 text\n  save it as UTF-8"
