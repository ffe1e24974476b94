"""Where the shell sees a token: told of the text, and held against bash itself."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from genstudy.rendering.quoting import Place, places
from genstudy.rendering.shell import quote


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("echo $(A.quoted)", Place.WORDS),
        ("echo --a=$(A.quoted)x", Place.WORDS),
        ('echo "$(A.quoted)"', Place.DOUBLE_QUOTES),
        ('echo "a b" $(A.quoted)', Place.WORDS),
        ("echo '$(A.quoted)'", Place.SINGLE_QUOTES),
        ("echo 'it'\\''s' $(A.quoted)", Place.WORDS),
        ("echo \\' $(A.quoted)", Place.WORDS),
        ('echo \\" $(A.quoted)', Place.WORDS),
        ('echo "\\" $(A.quoted)"', Place.DOUBLE_QUOTES),
        ("echo $'it\\'s $(A.quoted)'", Place.SINGLE_QUOTES),
        ("# it's\necho $(A.quoted)", Place.WORDS),
        ("echo a#'b' $(A.quoted)", Place.WORDS),
        ("echo ${#x} $# $(A.quoted)", Place.WORDS),
        ("echo x # $(A.quoted)", Place.COMMENT),
        ("cat <<EOF\n$(A.quoted)\nEOF\n", Place.HEREDOC),
        ("cat <<'EOF'\n$(A.quoted)\nEOF\n", Place.QUOTED_HEREDOC),
        ('cat <<"EOF" > f\n$(A.quoted)\nEOF\n', Place.QUOTED_HEREDOC),
        ("cat <<\\EOF\n$(A.quoted)\nEOF\n", Place.QUOTED_HEREDOC),
        ("cat <<-EOF\n\tit's\n\tEOF\necho $(A.quoted)", Place.WORDS),
        ("cat <<EOF\nit's\nEOF\necho $(A.quoted)", Place.WORDS),
        ("cat <<A <<B\nit's\nA\n$(A.quoted)\nB\n", Place.HEREDOC),
        ("cat <<EOF | tr a b; echo $(A.quoted)\nx\nEOF\n", Place.WORDS),
        ("cat <<< $(A.quoted)", Place.WORDS),
        ("echo $((1 << 2)) $(A.quoted)", Place.WORDS),
        ("echo $(( $(A.quoted) + 1 ))", Place.ARITHMETIC),
        ("(( x = $(A.quoted) ))", Place.ARITHMETIC),
        ("echo $(cat $(A.quoted))", Place.WORDS),
        ('echo "$(cat $(A.quoted))"', Place.WORDS),
        ('echo "$(cat "$(A.quoted)")"', Place.DOUBLE_QUOTES),
        ('echo "$(date +%s)" $(A.quoted)', Place.WORDS),
        ("echo \\$(A.quoted)", Place.BACKSLASH),
        ("echo `cat $(A.quoted)`", Place.BACKQUOTES),
        ('echo "${x:-$(A.quoted)}"', Place.DOUBLE_QUOTES),
        ("case x in a) echo $(A.quoted);; esac", Place.WORDS),
        ("f() { echo $(A.quoted); }", Place.WORDS),
        ('echo it\\\'s $(A.quoted) "x"', Place.WORDS),
        ("x=\"a\nb\" y='c\nd' ; echo $(A.quoted)", Place.WORDS),
    ],
)
def test_places(text: str, place: Place) -> None:
    assert list(places(text)) == [("$(A.quoted)", place)]


def test_all_tokens_in_order() -> None:
    text = "echo $(A) '$(B.json)' \"$(C)\" $(date +%s) # $(D)"
    assert [token for token, _ in places(text)] == ["$(A)", "$(B.json)", "$(C)", "$(D)"]


PIECES = r"""T T echo " ' \ a # $( ) ` ${x:- } $' ( ; $(( )) <<< x= && |cat""".split()  # noqa: SIM905
pieces = st.sampled_from([*PIECES, " ", "\n", "<<E\n", "<<'E'\n", "\nE\n"])
HOSTILE = 'a"; touch HIT; "\' touch HIT; `touch HIT` $(touch HIT) \\'
"""Runs a command wherever its quotes do not hold."""


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(pieces, max_size=12))
def test_a_quoted_value_holds_wherever_words_are_read(tmp_path: Path, parts: list[str]) -> None:
    script = "".join(parts).replace("T", "$(T.quoted)")
    for _, place in places(script):
        script = script.replace("$(T.quoted)", quote(HOSTILE) if place is Place.WORDS else "n", 1)
    (tmp_path / "HIT").unlink(missing_ok=True)
    subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, capture_output=True, stdin=subprocess.DEVNULL, check=False
    )
    assert not (tmp_path / "HIT").exists()


def test_a_quoted_value_runs_between_double_quotes(tmp_path: Path) -> None:
    script = f'echo "{quote("a; touch HIT; b")}" "{quote(chr(34) + "; touch HIT; " + chr(34))}"'
    subprocess.run(["bash", "-c", script], cwd=tmp_path, capture_output=True, check=False)
    assert (tmp_path / "HIT").exists(), "this is why the places are told apart"
