"""Laws against scipy's distributions, exact levels, and what they refuse."""

import math
from decimal import Decimal

import numpy as np
import pytest
from scipy import stats

from genstudy.errors import UserError
from genstudy.parameters.grammar import parse_law, parse_parameter
from genstudy.parameters.laws import Law
from genstudy.parameters.levels import Const, Int, Linspace, Range

U = np.linspace(0.0005, 0.9995, 1000)

CONTINUOUS = {
    "uniform(-1, 3)": stats.uniform(-1, 4),
    "loguniform(0.01, 100)": stats.loguniform(0.01, 100),
    "normal(5, 2)": stats.norm(5, 2),
    "truncnormal(1, 2, -1, 2)": stats.truncnorm(-1, 0.5, 1, 2),
    "lognormal(1, 0.5)": stats.lognorm(0.5, scale=np.e),
    "triangular(1, 2, 5)": stats.triang(0.25, 1, 4),
    "triangular(0, 0, 1)": stats.triang(0, 0, 1),
    "triangular(0, 1, 1)": stats.triang(1, 0, 1),
    "beta(2, 3)": stats.beta(2, 3),
    "beta(2, 3, -1, 1)": stats.beta(2, 3, -1, 2),
    "gamma(2, scale=3)": stats.gamma(2, scale=3),
    "weibull_min(1.5)": stats.weibull_min(1.5),
}


@pytest.mark.parametrize("text", CONTINUOUS)
def test_a_law_is_the_inverse_of_its_distribution(text: str) -> None:
    values = parse_law(text).sample(U)
    assert values.dtype == np.float64
    np.testing.assert_allclose(values, CONTINUOUS[text].ppf(U), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(CONTINUOUS[text].cdf(values), U, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("text", CONTINUOUS)
def test_samples_pass_kolmogorov_smirnov(text: str) -> None:
    u = np.random.default_rng(7).random(5000)
    assert stats.kstest(parse_law(text).sample(u), CONTINUOUS[text].cdf).pvalue > 1e-4


@pytest.mark.parametrize("text", [*CONTINUOUS, "cauchy()", "levy()"])
def test_the_ends_of_the_unit_interval_give_finite_values(text: str) -> None:
    assert np.isfinite(parse_law(text).sample(np.array([0.0, 1 - 2.0**-53]))).all()


@pytest.mark.parametrize(("lo", "hi"), [(30, 31), (20, 20.001), (36, 40), (8, 8.5)])
def test_a_truncated_normal_far_in_the_tail_is_accurate(lo: float, hi: float) -> None:
    def above(x: float) -> float:
        return math.erfc(x / math.sqrt(2)) / 2

    values = parse_law(f"truncnormal(0, 1, {lo}, {hi})").sample(np.array([0.1, 0.5, 0.9]))
    for u, value in zip([0.1, 0.5, 0.9], values.tolist(), strict=True):
        assert above(value) == pytest.approx((1 - u) * above(lo) + u * above(hi), rel=1e-10)
    mirrored = parse_law(f"truncnormal(0, 1, {-hi}, {-lo})").sample(np.array([0.9, 0.5, 0.1]))
    np.testing.assert_allclose(mirrored, -values, rtol=1e-14)


def test_a_truncated_normal_stays_in_its_interval() -> None:
    values = parse_law("truncnormal(10, 3, 12, 12.5)").sample(np.array([0.0, 0.5, 1 - 2.0**-53]))
    assert values[0] == 12
    assert values[2] == pytest.approx(12.5)
    assert (values <= 12.5).all()


def test_int_includes_both_ends_equally() -> None:
    values = Int(lo=-2, hi=2).sample((np.arange(5000) + 0.5) / 5000)
    assert np.array_equal(np.unique(values, return_counts=True), [[-2, -1, 0, 1, 2], [1000] * 5])
    assert values.dtype == np.int64


def test_int_is_exact_at_its_limits() -> None:
    law = Int(lo=2**63 - 2**53, hi=2**63 - 1)
    assert law.sample(np.array([0.0, 1 - 2.0**-53])).tolist() == [law.lo, law.hi]


@pytest.mark.parametrize("count", [1, 3, 101, 2**53 - 1, 2**53])
def test_the_largest_point_gives_the_last_level(count: int) -> None:
    assert Int(lo=0, hi=count - 1).sample(np.array([1 - 2.0**-53])).tolist() == [count - 1]


def test_choice_gives_indices_of_its_words_by_weight() -> None:
    law = parse_law("choice(a:1, b:0, 'c d':3)")
    values = law.sample((np.arange(400) + 0.5) / 400)
    assert law.words == ("a", "b", "c d")
    assert np.bincount(values.astype(int)).tolist() == [100, 0, 300]


@pytest.mark.parametrize(
    "law", ["triangular(-2.4, -2.4, 9)", "beta(2, 0.5, 1.06, 5.274)", "beta(0.01, 0.01, -0.1, 0.3)"]
)
def test_rounding_leads_out_of_no_law(law: str) -> None:
    found = parse_law(law)
    values = found.sample(np.array([0.0, 2.0**-53, 0.3, 0.5, 1 - 2.0**-52, 1 - 2.0**-53]))
    assert found.ends is not None
    assert found.ends[0] <= values.min() <= values.max() <= found.ends[1]


def test_a_last_item_of_no_weight_is_never_chosen() -> None:
    assert parse_law("choice(a:1, b:0)").sample(np.array([1 - 2.0**-53])).tolist() == [0]


@pytest.mark.parametrize(
    ("text", "levels"),
    [
        ("range(0, 1, 0.1)", [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]),
        ("range(1, 10, 3)", [1, 4, 7]),
        ("range(5, 0, -2)", [5, 3, 1]),
        ("range(-0.3, 0.3, 0.15)", [-0.3, -0.15, 0.0, 0.15]),
        ("range(1e3, 1300, 1e2)", [1000, 1100, 1200]),
        ("linspace(0, 1, 11)", [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1]),
        ("linspace(0.1, 0.7, 4)", [0.1, 0.3, 0.5, 0.7]),
        ("linspace(1, -1, 3)", [1, 0, -1]),
        ("linspace(2, 2, 1)", [2]),
        ("int(3, 5)", [3, 4, 5]),
        ("binom(3, 0.5)", [0, 1, 2, 3]),
        ("randint(2, 5)", [2, 3, 4]),
    ],
)
def test_levels_are_exact(text: str, levels: list[float]) -> None:
    law = parse_law(text)
    assert law.count == len(levels)
    assert law.at(np.arange(len(levels))).tolist() == levels
    assert law.sample((np.arange(1000) + 0.5) / 1000).tolist()[0] == levels[0]
    assert set(law.sample((np.arange(1000) + 0.5) / 1000).tolist()) <= set(levels)


def test_whole_ranges_are_whole_numbers() -> None:
    assert parse_law("range(0, 10, 5)").sample(U).dtype == np.int64
    assert parse_law("range(0, 10, 2.5)").sample(U).dtype == np.float64


def test_linspace_falls_back_to_floats_where_decimals_do_not_fit() -> None:
    law = Linspace(a=Decimal("1e-200"), b=Decimal("1e100"), n=3)
    assert law.at(np.arange(3)).tolist() == [1e-200, 5e99, 1e100]


def test_discrete_laws_of_scipy_give_whole_numbers() -> None:
    law = parse_law("poisson(4)")
    assert law.count is None
    assert np.array_equal(law.sample(U), stats.poisson(4).ppf(U).astype(int))
    assert law.sample(U).dtype == np.int64


def test_a_law_without_levels_says_so() -> None:
    for text in ("uniform(0, 1)", "poisson(2)"):
        with pytest.raises(TypeError, match="no"):
            parse_law(text).at(np.arange(2))


def test_a_constant_has_one_level() -> None:
    law = Const(value="a b")
    assert (law.count, law.words) == (1, ("a b",))
    assert law.sample(U).tolist() == [0] * 1000
    assert law.at(np.arange(1)).tolist() == [0]


def test_numbers_keep_their_digits_in_the_text() -> None:
    law = Range(start=Decimal("0.10"), stop=Decimal("1E+1"), step=Decimal("1.50"))
    assert law.text == "range(0.1, 10, 1.5)"
    assert parse_law("uniform(1e-30, 1e22)").text == "uniform(1e-30, 1e+22)"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("int(5, 1)", "5 is above 1"),
        ("int(0, 1e19)", "whole numbers reach to 2**63 - 1"),
        ("int(0, 9007199254740992)", "hi - lo to 2**53 - 1"),
        ("uniform(1, 1)", "1 is not below 1"),
        ("uniform(-1e308, 1e308)", "the interval is too wide"),
        ("loguniform(0, 1)", "a is 0"),
        ("normal(0, -1)", "sigma is -1"),
        ("normal(0, 1e308)", "values would overflow"),
        ("lognormal(0, 100)", "values would overflow"),
        ("truncnormal(0, 1, 2, 1)", "2 is not below 1"),
        ("truncnormal(0, 1e-200, 1, 2)", "too many sigmas"),
        ("triangular(0, 5, 1)", "the mode 5 is outside [0, 1]"),
        ("beta(0, 1)", "a is 0"),
        ("choice()", "nothing to choose from"),
        ("choice(a, b, a)", "'a' is there twice"),
        ("choice(a:-1, b:2)", "weights are 0 or more"),
        ("choice(a:0, b:0)", "weights are 0 or more"),
        ("const('\t')", "cannot be printed"),
        ("range(0, 1, 0)", "the step is 0"),
        ("range(1, 0)", "no value lies in this range"),
        ("range(0, 1, 1e-17)", "too many digits to be exact"),
        ("range(0, 1e-301, 1)", "too large or too small"),
        ("linspace(0, 1, 0)", "n is 0"),
        ("linspace(0, 1, 1)", "one value cannot be both ends"),
        ("linspace(1, 1, 2)", "both ends are equal"),
        ("linspace(0, 1e301, 2)", "too large or too small"),
        ("gamma(-1)", "an argument is outside what the law allows"),
        ("gamma()", "missing a required argument"),
        ("gamma(1, 2, 3, 4)", "too many positional arguments"),
        ("randint(0, 1e17)", "overflow"),
        ("pareto(0.001)", "overflow"),
    ],
)
def test_bad_arguments_are_refused(text: str, problem: str) -> None:
    with pytest.raises(UserError) as caught:
        parse_law(text)
    assert problem in caught.value.message


def test_an_unknown_law_of_scipy_is_refused_at_construction() -> None:
    from genstudy.parameters.scipy_laws import ScipyLaw

    with pytest.raises(UserError, match=r"no law 'gama' in scipy.stats.*'gamma'"):
        ScipyLaw(name="gama")


def test_a_parameter_has_a_usable_name() -> None:
    with pytest.raises(UserError, match="'a b' cannot be a parameter name"):
        parse_parameter("a b=int(0, 1)")


@pytest.mark.parametrize("name", ["été-a", "ß", "µ", "_x", "größe", "if", "a1"])
def test_names_beyond_ascii(name: str) -> None:
    assert parse_parameter(name).name == name


@pytest.mark.parametrize("name", ["e\u0301tat", "a·b", "ǰ", "-x", "1a", "", "a\n"])
def test_a_name_that_is_no_token_in_lower_or_upper_case(name: str) -> None:
    with pytest.raises(UserError, match="cannot be a parameter name"):
        parse_parameter(name)


@pytest.mark.parametrize("text", ["poisson(4, loc=0.5)", "dlaplace(1, 0.5)", "binom(3, 0.5, loc=0.5)"])
def test_a_discrete_law_between_whole_numbers_is_refused(text: str) -> None:
    with pytest.raises(UserError) as caught:
        parse_law(text)
    assert f"{text}: its values are not whole" in caught.value.message
    assert caught.value.hint == "take a whole loc"


@pytest.mark.parametrize(
    "text",
    ["halfnorm()", "kappa3(1)", "levy_l()", "burr(10.5, 4.3)", "exponweib(2.89, 1.95)", "powernorm(4.445)"],
)
def test_a_law_that_rounds_to_infinity_at_its_outermost_points_is_sampled_inside(text: str) -> None:
    law = parse_law(text)
    values = law.sample(np.array([0.0, 2.0**-53, 0.25, 0.5, 1 - 2.0**-53]))
    assert np.isfinite(values).all()
    assert (np.diff(values) >= 0).all()


@pytest.mark.parametrize("text", ["genhalflogistic(0)", "kstwo(0)", "irwinhall(1e10)"])
def test_what_scipy_fails_at_is_one_message(text: str) -> None:
    with pytest.raises(UserError):
        parse_law(text)


def test_a_point_that_scipy_fails_at_is_one_message(monkeypatch: pytest.MonkeyPatch) -> None:
    from genstudy.parameters import scipy_laws

    class Failing:
        def ppf(self, _: np.ndarray) -> np.ndarray:
            raise RuntimeError("no luck")

    law = parse_law("gamma(2)")
    monkeypatch.setattr(scipy_laws, "_of", lambda _: Failing())
    with pytest.raises(UserError) as caught:
        law.sample(U)
    assert caught.value.message == "gamma(2): scipy cannot sample it: no luck"


def test_a_point_without_a_finite_value_is_one_message(monkeypatch: pytest.MonkeyPatch) -> None:
    from genstudy.parameters import scipy_laws

    class Holed:
        def ppf(self, u: np.ndarray) -> np.ndarray:
            return np.where(u < 0.5, u, np.nan)

    law = parse_law("gamma(2)")
    monkeypatch.setattr(scipy_laws, "_of", lambda _: Holed())
    with pytest.raises(UserError, match="scipy cannot sample it: a value is not finite"):
        law.sample(U)


@pytest.mark.parametrize("mu", [0.0, -3.0, 40.0])
def test_a_truncated_normal_far_narrower_than_sigma_fills_its_interval(mu: float) -> None:
    law = parse_law(f"truncnormal({mu}, 1e13, 1, 2)")
    np.testing.assert_allclose(law.sample(U), 1 + U, rtol=1e-12)


@pytest.mark.parametrize("sign", [1, -1])
def test_a_narrow_truncated_normal_far_out_falls_off_exponentially(sign: int) -> None:
    ends = sorted((sign * 1e8, sign * (1e8 + 1e-7)))
    law = parse_law(f"truncnormal(0, 1, {ends[0]!r}, {ends[1]!r})")
    away = np.abs(law.sample(U)) - 1e8
    k = 1e8 * (ends[1] - ends[0])
    expected = -np.log1p((U if sign > 0 else 1 - U) * np.expm1(-k)) / 1e8
    np.testing.assert_allclose(away, expected, atol=2e-8)


def test_a_law_cannot_be_built_without_a_way_to_sample() -> None:
    with pytest.raises(TypeError, match="abstract"):
        Law()  # type: ignore[abstract]
