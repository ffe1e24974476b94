"""What people may write, what it means, and what they are told where it is wrong."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genstudy.errors import UserError
from genstudy.parameters import grammar
from genstudy.parameters.grammar import DEFAULT_LAW, parse_law, parse_parameter
from genstudy.parameters.laws import (
    Beta,
    Law,
    LogUniform,
    Normal,
    Triangular,
    TruncNormal,
    Uniform,
)
from genstudy.parameters.levels import Choice, Const, Int, Linspace, Range
from genstudy.parameters.scipy_laws import ScipyLaw

FLOATS = st.floats(-1e100, 1e100)
POSITIVE = st.floats(1e-100, 1e100)
PAIRS = st.lists(FLOATS, min_size=2, max_size=2, unique=True).map(sorted)
WHOLE = st.integers(-(2**40), 2**40)
DECIMALS = st.decimals(-1000, 1000, places=3)
TEXTS = st.text(st.characters(exclude_categories=["C", "Z"], include_characters=" ")).filter(str.isprintable)

LAWS: st.SearchStrategy[Law] = st.one_of(
    st.builds(lambda a, width: Int(lo=a, hi=a + abs(width)), WHOLE, WHOLE),
    PAIRS.map(lambda ab: Uniform(a=ab[0], b=ab[1])),
    st.builds(lambda a, factor: LogUniform(a=a, b=a * factor), POSITIVE, st.floats(1.5, 10)),
    st.builds(lambda mu, sigma: Normal(mu=mu, sigma=sigma), FLOATS, POSITIVE),
    PAIRS.map(lambda ab: TruncNormal(mu=0.5, sigma=2.0, lo=ab[0], hi=ab[1])),
    PAIRS.map(lambda ab: Triangular(lo=ab[0], mode=ab[1], hi=ab[1])),
    st.builds(lambda a, b: Beta(a=a, b=b, lo=-1.0, hi=2.0), POSITIVE, POSITIVE),
    st.lists(TEXTS, min_size=1, unique=True).map(lambda items: Choice(items=tuple(items))),
    st.dictionaries(TEXTS, st.floats(1e-10, 1e10), min_size=1).map(
        lambda found: Choice(items=tuple(found), weights=tuple(found.values()))
    ),
    TEXTS.map(lambda text: Const(value=text)),
    st.builds(lambda a, width: Range(start=a, stop=a + abs(width) + 1), DECIMALS, DECIMALS),
    st.builds(lambda a, b, n: Linspace(a=a, b=a + abs(b) + 1, n=n), DECIMALS, DECIMALS, st.integers(2, 99)),
    st.builds(lambda a, s: ScipyLaw(name="gamma", arguments=(a,), keywords=(("scale", s),)),
              st.floats(1, 9), st.floats(1, 9)),
)  # fmt: skip


@given(LAWS)
def test_a_law_reads_back_from_its_text(law: Law) -> None:
    again = parse_law(law.text)
    assert again == law
    assert again.text == law.text


@given(st.text(max_size=30))
def test_any_text_is_a_law_or_a_user_error(text: str) -> None:
    with suppress(UserError):
        law = parse_law(text)
        assert parse_law(law.text) == law


def test_a_bare_name_has_whole_numbers_from_0_to_100() -> None:
    assert parse_parameter("width").law == DEFAULT_LAW == Int(lo=0, hi=100)


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("  uniform ( 0 ,1.50 ) ", "uniform(0, 1.5)"),
        ("uniform(b=2, a=-1)", "uniform(-1, 2)"),
        ("beta(2, 3, hi=5)", "beta(2, 3, 0, 5)"),
        ("int(0, 1e3)", "int(0, 1000)"),
        ("range(0, 5)", "range(0, 5, 1)"),
        ("choice(010, 1.10)", "choice(010, 1.10)"),
        ("choice('a,b', \"c d\", e)", "choice('a,b', 'c d', e)"),
        ("choice('it''s', '', 'a\"b')", "choice(\"it's\", '', 'a\"b')"),
        ("choice(-f:0.7, --g:0.3)", "choice(-f:0.7, --g:0.3)"),
        ("const($HOME/x;y)", "const($HOME/x;y)"),
        ("const('k=v')", "const('k=v')"),
        ("normal(0,1e-3)", "normal(0, 0.001)"),
        ("poisson(mu=4)", "poisson(mu=4)"),
        ("gamma(2,scale=3.0)", "gamma(2, scale=3)"),
    ],
)
def test_the_canonical_spelling(text: str, canonical: str) -> None:
    assert parse_law(text).text == canonical


ERRORS = {
    "x=": """parameter x: a law belongs here, not the end
    x=
      ^
  such as uniform(0, 1)""",
    "x=5": """parameter x: '5' is no law
    x=5
      ^
  for one value write const(5), for several choice(5, ...)""",
    "x=uniform": """parameter x: the law 'uniform' has no arguments
    x=uniform
      ^
  uniform(a, b)""",
    "x=unifrom(0,1)": f"""parameter x: there is no law 'unifrom' (did you mean 'uniform'?)
    x=unifrom(0,1)
      ^
  laws: {", ".join(grammar.LAWS)}, and the distributions of scipy.stats""",
    "x=uniform(0)": """parameter x: uniform needs b too
    x=uniform(0)
               ^
  write uniform(a, b)""",
    "x=uniform(0,1,2)": """parameter x: uniform takes 2 values at most
    x=uniform(0,1,2)
                  ^
  write uniform(a, b)""",
    "x=normal(mu=0, sgma=1)": """parameter x: normal has no 'sgma' (did you mean 'sigma'?)
    x=normal(mu=0, sgma=1)
                        ^
  write normal(mu, sigma)""",
    "x=normal(0, mu=1)": """parameter x: this value comes twice, or after named ones
    x=normal(0, mu=1)
                   ^
  write normal(mu, sigma)""",
    "x=normal(mu=0, 1)": """parameter x: this value comes twice, or after named ones
    x=normal(mu=0, 1)
                   ^
  write normal(mu, sigma)""",
    "x=uniform(0,1": """parameter x: a comma or a closing bracket belongs here, not the end
    x=uniform(0,1
                 ^""",
    "x=uniform(0,1) 2": """parameter x: nothing belongs after the law, but '2' does
    x=uniform(0,1) 2
                   ^""",
    "x=uniform(0,one)": """parameter x: 'one' is not a number
    x=uniform(0,one)
                ^""",
    "x=uniform(0,'1')": """parameter x: '1' is not a number
    x=uniform(0,'1')
                ^""",
    "x=uniform(0,inf)": """parameter x: 'inf' is not finite
    x=uniform(0,inf)
                ^""",
    "x=uniform(0,1e999)": """parameter x: '1e999' is too large
    x=uniform(0,1e999)
                ^""",
    "x=int(0,1.5)": """parameter x: '1.5' is not a whole number within 64 bits
    x=int(0,1.5)
            ^""",
    "x=int(0,1e999999999)": """parameter x: '1e999999999' is not a whole number within 64 bits
    x=int(0,1e999999999)
            ^""",
    "x=int(0:2,1)": """parameter x: only choice has weights
    x=int(0:2,1)
           ^""",
    "x=choice(a b)": """parameter x: a comma or a closing bracket belongs here, not 'b'
    x=choice(a b)
               ^
  put quotes around a text that has blanks or marks of its own""",
    "x=choice(a,,b)": """parameter x: a value belongs here, not ','
    x=choice(a,,b)
               ^""",
    "x=choice(a:1,b)": """parameter x: the item 'b' has no weight and others have
    x=choice(a:1,b)
                 ^""",
    "x=choice(k=v)": """parameter x: an item with = belongs in quotes
    x=choice(k=v)
              ^
  write 'k=v' with its quotes""",
    "x=const(1, 2)": """parameter x: const takes one value, not 2
    x=const(1, 2)
      ^
  for several: choice(x, y)""",
    "x=const('abc": """parameter x: this quote is never closed
    x=const('abc
            ^
  inside quotes, a doubled quote stands for one""",
    "x=uniform(1,0)": """parameter x: uniform(1, 0): 1 is not below 0
    x=uniform(1,0)
      ^
  write uniform(a, b) with a and b in rising order, or const(1)""",
    "x=gamma(2, scal=3)": """parameter x: gamma(2, scal=3): got an unexpected keyword argument 'scal'
    x=gamma(2, scal=3)
      ^
  scipy.stats writes it gamma(a, loc=0, scale=1)""",
    "x=poisson(-1)": """parameter x: poisson(-1): an argument is outside what the law allows
    x=poisson(-1)
      ^
  scipy.stats writes it poisson(mu, loc=0)""",
}


@pytest.mark.parametrize("text", ERRORS)
def test_a_mistake_is_shown_with_its_place(text: str) -> None:
    with pytest.raises(UserError) as caught:
        parse_parameter(text)
    assert str(caught.value) == ERRORS[text]


def test_a_near_name_of_scipy_is_offered() -> None:
    with pytest.raises(UserError, match="did you mean 'weibull_min'"):
        parse_law("weibul_min(1)")


def test_weights_and_items_must_match_in_number() -> None:
    with pytest.raises(UserError, match="some items have a weight"):
        Choice(items=("a", "b"), weights=(1.0,))
