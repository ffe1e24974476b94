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


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("if [[ $(A.quoted) -gt 5 ]]; then :; fi", Place.ARITHMETIC),
        ("[[ ${a[b[0]]} -eq $(A.quoted) ]]", Place.ARITHMETIC),
        ("[[ -v $(A.quoted) ]]", Place.ARITHMETIC),
        ("echo ${f[$(A.quoted)]}", Place.ARITHMETIC),
        ('echo "${f[$(A.quoted)]}"', Place.ARITHMETIC),
        ("f[$(A.quoted)]=1", Place.ARITHMETIC),
        ("f[a[1] + $(A.quoted)]=1", Place.ARITHMETIC),
        ("f=([$(A.quoted)]=1)", Place.ARITHMETIC),
        ("echo ${x:$(A.quoted):2}", Place.ARITHMETIC),
        ("echo $(( (1+(2)) * $(A.quoted) ))", Place.ARITHMETIC),
        ("(( (1+(2)) < $(A.quoted) ))", Place.ARITHMETIC),
        ("if true; then((1<$(A.quoted))); fi", Place.ARITHMETIC),
        ("if !((1 < $(A.quoted))); then :; fi", Place.ARITHMETIC),
        ("echo $[ $(A.quoted) + 1 ]", Place.ARITHMETIC),
        ("let x=$(A.quoted)", Place.AGAIN),
        ("let \\\n  x=$(A.quoted)", Place.AGAIN),
        ("declare -i x=$(A.quoted)", Place.AGAIN),
        ("declare -r -i x=$(A.quoted)", Place.AGAIN),
        ("declare $(A.quoted)", Place.AGAIN),
        ("eval echo $(A.quoted)", Place.AGAIN),
        ("eval \"cd x; run\" 'a;b' $(A.quoted)", Place.AGAIN),
        ("eval 'x\ny' $(A.quoted)", Place.AGAIN),
        ("x='a\nb c' eval $(A.quoted)", Place.AGAIN),
        ("case x in a) eval $(A.quoted);; esac", Place.AGAIN),
        ("\\eval $(A.quoted)", Place.AGAIN),
        ("2> log x=1 eval $(A.quoted)", Place.AGAIN),
        ("${x:-let y=$(A.quoted)}", Place.AGAIN),
        ("x=`true # $(A.quoted)`", Place.BACKQUOTES),
        ("echo [[ <<E\n$(A.quoted)\nE\n", Place.UNSURE),
        ("trap $(A.quoted) EXIT", Place.AGAIN),
        ("test -v $(A.quoted)", Place.AGAIN),
        ("printf -v $(A.quoted) x", Place.AGAIN),
        ("read $(A.quoted) <<< x", Place.AGAIN),
        ("echo $$(A.quoted)", Place.DOLLAR),
        ("echo $$$(A.quoted)", Place.WORDS),
        ('find . -exec true {} \\;#"$(A.quoted)"', Place.DOUBLE_QUOTES),
        ('echo a\\ #"$(A.quoted)"', Place.DOUBLE_QUOTES),
        ('echo foo\\\n#"$(A.quoted)"', Place.DOUBLE_QUOTES),
        ('echo $(date +%s)#"$(A.quoted)"', Place.UNSURE),
        ('[[ $x =~ ^(#|1) ]] && echo "$(A.quoted)"', Place.UNSURE),
        ('[[ $x == @(#*|1) ]] && echo "$(A.quoted)"', Place.UNSURE),
        ('x="$(case a in a) echo "$(A.quoted)";; esac)"', Place.UNSURE),
        ('`true # x` ; echo `true # x` "$(A.quoted)"', Place.DOUBLE_QUOTES),
        ('x=`cat <<E\n"\nE\n`; echo $(A.quoted)', Place.UNSURE),
        ("cat <<EOF\ntext \\\nEOF\nmore $(A.quoted)\nEOF\n", Place.HEREDOC),
        ('cat <<E"O"F\n$(A.quoted)\nEOF\n', Place.QUOTED_HEREDOC),
        ('echo "${x#\'"\'}"; f() { :; }; echo "$(A.quoted)"', Place.DOUBLE_QUOTES),
        ("((echo # it's\n) ; echo 'it' $(A.quoted))", Place.ARITHMETIC),
        ("((echo #\n) ; echo $(A.quoted))", Place.UNSURE),
    ],
)
def test_places_where_bash_would_read_a_value_again(text: str, place: Place) -> None:
    assert list(places(text)) == [("$(A.quoted)", place)]


def test_a_name_behind_a_token_is_no_comment() -> None:
    assert list(places('cat $(A)#"$(B.quoted)"')) == [
        ("$(A)", Place.WORDS),
        ("$(B.quoted)", Place.DOUBLE_QUOTES),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "echo one # don't worry\necho $(A.quoted)",
        "awk 'BEGIN { if (m ~ /^#/) print \"it\"; x[1]=2 }' f > g; echo $(A.quoted)",
        "for f in *; do [[ -f $f ]] || continue; sed -e 's/#.*//' $f | sort; done; run $(A.quoted)",
        'if [[ "$x" -eq 3 && -n $y ]]; then echo yes; fi; run --note=$(A.quoted)',
        "[[ -n $(A.quoted) && $y == steel* ]]",
        "[ $x = $(A.quoted) ] && echo yes",
        'while read -r line; do echo "$line"; done < f; echo $(A.quoted)',
        "n=$(( (a+b)*(c+d) )); m=$((1<<3)); (( n > 3 )) && echo $(A.quoted)",
        'arr=( $(A.quoted) "x y" ); echo "${arr[0]}" "${arr[@]:1:2}" ${#arr[@]}',
        'arr=( x y ); echo "${arr[0]}" "${arr[@]:1:2}" ${#arr[@]} $(A.quoted)',
        'case "$1" in (a|b) echo 1;; *) echo 2;; esac; echo $(A.quoted)',
        "cat > in.txt <<EOF\na \\\nb\n# it's $x\nEOF\nrun $(A.quoted)",
        "export NOTE=$(A.quoted) OMP_NUM_THREADS=4; srun -n 4 ./code |& tee log",
        "f() { local v=$(A.quoted); readonly R=1; }; f",
        'trap \'rm -rf "$tmp"\' EXIT\ntmp=$(mktemp -d); cp $(A.quoted) "$tmp"',
        'trap \'rm -rf "$tmp"\' EXIT; cp $(A.quoted) "$tmp"',
        'echo "${x:-it\'s}" ${y%.*} ${z//a/b} ${#x} ${!ref} ${w^^} $(A.quoted)',
        'echo $$ $? $# "$$" $!$(A.quoted)',
        "find . -name '*.o' -exec rm {} \\; ; echo $(A.quoted)",
        "perl -ne 'print if /\\$x{#}/' f; echo $(A.quoted)",
        "x=`echo a # b`; run $(A.quoted)",
        "x=`# don't`; run $(A.quoted)",
        "((a) | b); echo $(A.quoted)",
        "for ((i=0; i<10; i++)); do run $i $(A.quoted); done",
        "diff <(sort a) <(sort b) > d || true; echo $(A.quoted)",
        "echo let us read $(A.quoted)",
    ],
)
def test_a_sensible_script_is_read_as_it_is(text: str) -> None:
    assert dict(places(text))["$(A.quoted)"] is Place.WORDS


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("cat <<EOF\n\\\\\nEOF\necho $(A.quoted)", Place.WORDS),
        ("cat <<'EOF'\ntext \\\nEOF\necho $(A.quoted)", Place.WORDS),
    ],
)
def test_a_backslash_that_joins_no_lines(text: str, place: Place) -> None:
    assert list(places(text)) == [("$(A.quoted)", place)]


def test_all_tokens_in_order() -> None:
    text = "echo $(A) '$(B.json)' \"$(C)\" $(date +%s) # $(D)"
    assert [token for token, _ in places(text)] == ["$(A)", "$(B.json)", "$(C)", "$(D)"]


@pytest.mark.parametrize(
    "text",
    [
        "eval $(a; b) $(A.quoted)",
        "eval `a; b` $(A.quoted)",
        "eval x 2>&1 $(A.quoted)",
        "eval " + "x " * 2000 + "$(A.quoted)",
        "printf %s " + "x " * 2000 + "-v $(A.quoted)",
        "(eval $(A.quoted))",
        "echo; eval $(A.quoted)",
    ],
)
def test_what_bash_reads_again_however_far_away(text: str) -> None:
    assert dict(places(text))["$(A.quoted)"] is Place.AGAIN


@pytest.mark.parametrize(
    "text",
    [
        "eval x; run $(A.quoted)",
        "eval x\nrun $(A.quoted)",
        "eval x && run $(A.quoted)",
        "(eval x) | run $(A.quoted)",
    ],
)
def test_the_next_command_is_read_once(text: str) -> None:
    assert dict(places(text))["$(A.quoted)"] is Place.WORDS


@pytest.mark.parametrize(
    "piece", ["> ", "x=1 ", "'a' ", '"a b" ', "let ", "- ", "[[ ", "a[", "declare -a ", "$(", "{ "]
)
def test_long_scripts_take_no_longer_than_they_are(piece: str) -> None:
    """Each of these was or could be exponential in a pattern of more freedom; the test would not end."""
    text = piece * 3000 + "x" * 3000 + " $(A.quoted)"
    assert [token for token, _ in places(text)] == ["$(A.quoted)"]


PIECES = """T T echo " ' \\ a # $( ) ` ${x:- } $' ( ; $(( )) <<< x= && |cat $ ${a# ${a/ ${a: ] f[ $[ (( [ {"""
SPACED = [" ", "\n", "<<E\n", "<<'E'\n", "\nE\n", "[[ ", " ]]", " -gt ", "let x=", "eval ", "case a in a)"]
HOSTILE = [
    'a"; touch HIT; "\' touch HIT; `touch HIT` $(touch HIT) \\',
    "a[$(touch HIT)]",
]
"""Each runs a command in some place where its quotes do not hold."""


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from([*PIECES.split(), *SPACED]), max_size=12), st.sampled_from(HOSTILE))
def test_a_quoted_value_holds_wherever_words_are_read(tmp_path: Path, parts: list[str], value: str) -> None:
    script = "".join(parts).replace("T", "$(T.quoted)")
    for _, place in places(script):
        held = place in {Place.WORDS, Place.COMMENT}
        script = script.replace("$(T.quoted)", quote(value) if held else "n", 1)
    (tmp_path / "HIT").unlink(missing_ok=True)
    subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, capture_output=True, stdin=subprocess.DEVNULL, check=False
    )
    assert not (tmp_path / "HIT").exists()


def test_a_quoted_value_runs_between_double_quotes(tmp_path: Path) -> None:
    script = f'echo "{quote("a; touch HIT; b")}" "{quote(chr(34) + "; touch HIT; " + chr(34))}"'
    subprocess.run(["bash", "-c", script], cwd=tmp_path, capture_output=True, check=False)
    assert (tmp_path / "HIT").exists(), "this is why the places are told apart"
