"""The macros: text that bash and JSON readers take byte for byte, whatever the values are."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genstudy.rendering.checks import check_spec
from genstudy.rendering.context import parameter_views
from genstudy.rendering.macros import Macros
from genstudy.specs.pgen import ROW_ID, RowCombination, as_json
from tests.rendering.support import BATCH, NAMES, STUDY, TABLE, refusal, rendered, spec, template
from tests.tables.strategies import NASTY

pytestmark = pytest.mark.usefixtures("in_tmp")


VALUES = NASTY | st.sampled_from(
    [
        "$(touch executed)",
        "`touch executed`",
        "'; touch executed; '",
        "$(B)",
        "$(B.quoted)",
        "$(ROW_ID)",
        "",
        "-n",
        "%s\\n",
        "'",
        "''",
        "\\",
        "$''",
        "a'b\"c",
        "${HOME}",
        "!!",
        "~",
        "*",
        "0x10",
        "1.0",
        "-0",
        "1e5",
        "007",
        "NaN",
    ]
)
TEXT = st.lists(
    st.sampled_from(
        [
            "$(A)",
            "$(B)",
            "$(A.json)",
            "$(B.name)",
            "$(B.label)",
            "$(ROW_ID)",
            "$(ROW_ID.label)",
            "$(A.quoted)",
        ]
    )
    | st.text(st.sampled_from("ab01 '\"\\$`!%#~*(){}<>|&;\nμ"), max_size=6).filter(
        lambda text: "$(" not in text
    )
).map("".join)


def macros(*names: str) -> Macros:
    return Macros(parameter_views(names, names, [], {}), lambda name: Path(name).read_text())


def row(**values: str) -> RowCombination:
    """Return what the pgen makes of a row: it puts the values into a step's text."""
    tokens = [*values, ROW_ID]
    return RowCombination({token: place for place, token in enumerate(tokens)}, (*values.values(), "run.7"))


def bash(script: str, folder: Path) -> str:
    """Run a script in an empty folder and return what it printed; it must not have executed a value."""
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script], cwd=folder, capture_output=True, check=False, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert not (folder / "executed").exists()
    return done.stdout.decode()


@settings(max_examples=40)
@given(values=st.lists(VALUES, min_size=2, max_size=2))
def test_every_form_of_a_value_reaches_the_command(tmp_path: Path, values: list[str]) -> None:
    a, b = values
    made = macros("a", "b")
    script = "\n".join(
        [
            made.echo_params(),
            "printf '%s|' " + made.arguments("positional"),
            "printf '%s|' " + made.arguments("equals"),
            "printf '%s|' " + made.arguments("flags"),
            "printf '%s|' " + made.arguments("assign"),
            made.deck_json("x y.json"),
            made.deck_keyvalue("k", ": "),
        ]
    )
    printed = bash(row(A=a, B=b).apply(script), tmp_path)
    assert printed == f"A: {a}\nB: {b}\n{a}|{b}|--a={a}|--b={b}|--a|{a}|--b|{b}|a={a}|b={b}|"
    found = json.loads((tmp_path / "x y.json").read_bytes(), parse_int=str, parse_float=str)
    assert found == {"a": a, "b": b}
    assert (tmp_path / "k").read_bytes().decode() == f"a: {a}\nb: {b}\n"


@settings(max_examples=60)
@given(text=TEXT, a=VALUES, b=VALUES)
def test_a_file_is_written_byte_for_byte(tmp_path: Path, text: str, a: str, b: str) -> None:
    script = macros("a", "b").write_file("out", text)
    bash(row(A=a, B=b).apply(script), tmp_path)
    parts = {
        "$(A)": a,
        "$(A.quoted)": a,
        "$(B)": b,
        "$(A.json)": as_json(a),
        "$(B.name)": "B",
        "$(B.label)": f"B.{b}",
        "$(ROW_ID)": "run.7",
        "$(ROW_ID.label)": "row_run.7",
    }
    assert (tmp_path / "out").read_bytes().decode() == _replaced(text, parts)


def _replaced(text: str, parts: dict[str, str]) -> str:
    """Replace all tokens at once, so that a value that reads like one stays."""
    found = ""
    while text:
        token = next((token for token in parts if text.startswith(token)), None)
        found += parts[token] if token else text[0]
        text = text[len(token) if token else 1 :]
    return found


def test_shell_substitutions_in_a_file_are_plain_text(tmp_path: Path) -> None:
    script = macros("a").write_file("out", "$(touch executed) $(hostname) `touch executed` $HOME\n")
    bash(row(A="1").apply(script), tmp_path)
    assert (tmp_path / "out").read_text() == "$(touch executed) $(hostname) `touch executed` $HOME\n"


def test_tokens_in_a_file_that_have_no_value() -> None:
    known = (
        "\n  known are: $(HEIGHT), $(LAUNCHER), $(MATERIAL), $(OUTPUT_PATH), $(ROW_ID), $(SPECROOT), "
        '$(WIDTH), $(WORKSPACE); for text that is no token write {{ literal("WIDHT") }}'
    )
    unknown = "is neither a parameter, a variable nor a step's workspace (did you mean 'WIDTH'?)"
    assert refusal(lambda: rendered("{{ write_file('out', 'w = $(WIDHT)') }}")) == (
        f"the text of out: $(WIDHT) {unknown}{known}"
    )
    Path("d.in").write_text("w = $(WIDHT)\n")
    known = known.replace("write", "call it d.in.j2 and write")
    assert refusal(lambda: rendered("{{ deck('d.in') }}")) == f"the text of d.in: $(WIDHT) {unknown}{known}"
    Path("d.in").write_text("w = $(width)\n")
    assert refusal(lambda: rendered("{{ deck('d.in') }}")) == (
        "the text of d.in: $(width): the token of 'width' is $(WIDTH)\n"
        '  write $(WIDTH); for text that is no token call it d.in.j2 and write {{ literal("width") }}'
    )


def test_literals_in_what_is_written() -> None:
    assert "'$''(CC)'" in rendered("{{ write_file('out', literal('CC') ~ ' -c') }}").replace(" -c", "")
    Path("Makefile.j2").write_text("all:\n\t{{ literal('CC') }} $(WIDTH) {{ literal('NF-1') }}\n")
    assert rendered("{{ deck('Makefile.j2') }}") == (
        "printf '%s\\n' \\\n  all: \\\n  '\t$''(CC) '$(WIDTH.quoted)' $''(NF-1)' \\\n  > Makefile"
    )


@pytest.mark.parametrize("mark", ["\0", "\x0b", "\x1b", "\x7f", "\x85", "\u2028", "\u2029", "\ufffe"])
def test_marks_that_a_script_cannot_hold(mark: str) -> None:
    Path("d.in").write_bytes(f"one\ntwo {mark}\n".encode())
    assert refusal(lambda: rendered("{{ deck('d.in') }}")) == (
        f"{Path.cwd()}/d.in, line 2: {mark!r} cannot stand in a script\n  take it out of the text"
    )
    assert refusal(lambda: rendered("{{ write_file('out', vars.words) }}", words=f"one\ntwo{mark}")) == (
        f"the text of out, line 2: {mark!r} cannot stand in a script\n  take it out of the text"
    )


@pytest.mark.parametrize("name", ["d.in", "d.in.j2"])
def test_decks_with_other_line_ends(name: str) -> None:
    Path(name).write_bytes(b"one\r\ntwo\r\n")
    assert refusal(lambda: rendered("{{ deck(vars.deck) }}", deck=name)).endswith(
        f"{name}, line 1: '\\r' cannot stand in a script\n  convert its line ends, as dos2unix does"
    )


@pytest.mark.parametrize("text", ["", "\n", "a", "a\n", "a\nb", "a\n\n", "\ta \n b", "%s\\n"])
def test_the_last_line_ends_as_it_does_in_the_text(tmp_path: Path, text: str) -> None:
    bash(f"{macros('a').write_file('out', text)} && cp out copy", tmp_path)
    assert (tmp_path / "copy").read_bytes().decode() == text


def test_decks() -> None:
    Path("d.in").write_text("w = $(WIDTH)\n  it's $(HEIGHT)!")
    lines = (
        "{ printf '%s\\n' \\\n  'w = '$(WIDTH.quoted)\n"
        "printf '%s' \\\n  '  it'\"'\"'s '$(HEIGHT.quoted)'!'\n} > "
    )
    assert rendered('{{ deck("d.in") }}') == lines + "d.in"
    assert rendered('{{ deck("d.in", "an other") }}') == lines + "'an other'"
    Path("d.in.j2").write_text(
        "{% for p in params %}\n{{ p.name }}\n{% endfor %}\n{{ width }}{# no comment #}"
    )
    assert rendered('{{ deck("d.in.j2") }}') == (
        "{ printf '%s\\n' \\\n  width \\\n  height \\\n  material\nprintf '%s' \\\n  "
        "$(WIDTH.quoted)'{# no comment #}'\n} > d.in"
    )


def test_decks_with_mistakes() -> None:
    place = Path.cwd()
    assert refusal(lambda: rendered('{{ deck("d.in") }}')) == (
        f"{place}/d.in: there is no such file\n  check the path"
    )
    Path("d.in").write_bytes(b"\xff")
    assert (
        refusal(lambda: rendered('{{ deck("d.in") }}')) == f"{place}/d.in: not UTF-8 text\n  save it as UTF-8"
    )
    Path("folder").mkdir()
    assert refusal(lambda: rendered('{{ deck("folder") }}')) == (
        f"{place}/folder: there is no such file\n  check the path"
    )
    Path("d.j2").write_text("{{ width }}\n{{ hieght }}")
    assert refusal(lambda: rendered('{{ deck("d.j2") }}')) == (
        f"{place}/d.j2, line 2: 'hieght' is not defined (did you mean 'height'?)"
    )
    Path("d.j2").write_text("{{ width }}\n{% if %}")
    assert refusal(lambda: rendered('{{ deck("d.j2") }}')) == (
        f"{place}/d.j2, line 2: Expected an expression, got 'end of statement block'\n"
        "  for text that is not Jinja's: {% raw %}...{% endraw %}"
    )
    Path("d.j2").write_text("a\n{{ ''.__class__ }}")
    assert "is unsafe" in refusal(lambda: rendered('{{ deck("d.j2") }}'))


def test_a_template_names_decks_beside_it_only() -> None:
    Path("secret").write_text("$(WIDTH)\n")
    Path("inner").mkdir()
    Path("inner/t.j2").write_text("x")
    Path("inner/t.j2").write_text("{{ deck('../secret') }}")
    assert refusal(lambda: template("inner/t.j2").render(STUDY, BATCH, TABLE)) == (
        "inner/t.j2, line 1: the template asks for the deck '../secret', outside its own folder\n"
        "  give the path as a variable: deck(vars.deck), and --set deck=PATH"
    )
    Path("inner/t.j2").write_text("{{ deck(vars.deck) }}")
    assert "> secret" in template("inner/t.j2", deck="secret").render(STUDY, BATCH, TABLE)


def test_blocks() -> None:
    assert rendered('{{ env_block(A="010", B=1, C="x y") }}|{{ env_block() }}') == (
        'env:\n    variables:\n        A: "010"\n        B: 1\n        C: "x y"|'
    )
    assert rendered('{{ run_block({"procs": 4, "walltime": "01:00:00"}) }}|{{ run_block() }}') == (
        'procs: 4\nwalltime: "01:00:00"|'
    )
    assert rendered('{{ batch_block("slurm", host="h", bank="", queue="010") }}') == (
        'batch:\n    type: slurm\n    host: h\n    bank: ""\n    queue: "010"'
    )
    assert rendered("{{ batch_block() }}") == "batch:\n    type: local"
    assert rendered("{{ batch_block('flux') }}") == "batch:\n    type: flux"
    assert rendered(
        "{{ vars.a | text }} {{ vars.b | text }} {{ vars.c | text }}", a="x y", b=True, c=[1]
    ) == ("x y true [1]")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "arguments('flag')",
            (
                "there is no argument style 'flag' (did you mean 'flags'?)\n"
                "  styles are: equals, flags, assign, positional"
            ),
        ),
        (
            "arguments(3)",
            "there is no argument style '3'\n  styles are: equals, flags, assign, positional",
        ),
        (
            "batch_block('slrum')",
            "there is no scheduler 'slrum' (did you mean 'slurm'?)\n  Maestro has: local, slurm, flux, lsf",
        ),
        ("batch_block(3)", "there is no scheduler '3'\n  Maestro has: local, slurm, flux, lsf"),
        (
            "batch_block('lsf', host='h')",
            (
                "the batch block for lsf lacks bank, queue\n"
                '  Maestro dies on the first job without it; where the site has none, give ""'
            ),
        ),
        (
            "run_block('procs')",
            (
                "the run block takes entries such as procs, not 'procs'\n"
                """  for instance: --set run='{"procs": 4, "walltime": "00:10:00"}'"""
            ),
        ),
    ],
)
def test_blocks_with_mistakes(text: str, message: str) -> None:
    assert refusal(lambda: rendered(f"one\n{{{{ {text} }}}}")) == f"t.j2, line 2: {message}"


def test_text_that_only_looks_like_a_token() -> None:
    Path("t.j2").write_text("{{ literal('MY_WORD') }} {{ literal('MY_WORD') }}")
    found = template("t.j2")
    for _ in range(2):
        assert found.render(STUDY, BATCH, TABLE) == "$(MY_WORD) $(MY_WORD)"
        assert found.literals == ["MY_WORD"]
    text = spec("echo $(WIDTH) $(MY_WORD)")
    check_spec(text, NAMES, (), ["MY_WORD"], where="spec")
    assert "$(MY_WORD) is neither" in refusal(lambda: check_spec(text, NAMES, (), ["OTHER"], where="spec"))
