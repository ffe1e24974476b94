"""The one error family."""

from __future__ import annotations

from genstudy.errors import GenstudyError, RunError, UserError, near


def test_a_message_has_its_place_and_its_hint() -> None:
    assert str(UserError("wrong")) == "wrong"
    assert str(UserError("wrong", where="t.csv, row 3")) == "t.csv, row 3: wrong"
    assert str(UserError("wrong", hint="mend it")) == "wrong\n  mend it"
    assert str(UserError("wrong", where="here", hint="mend it")) == "here: wrong\n  mend it"


def test_exit_codes() -> None:
    assert (GenstudyError.exit_code, RunError.exit_code, UserError.exit_code) == (1, 1, 2)
    assert issubclass(UserError, GenstudyError)
    assert issubclass(RunError, GenstudyError)


def test_the_nearest_name() -> None:
    assert near("widht", ["width", "height"]) == " (did you mean 'width'?)"
    assert near("WIDHT", ["width", "height"]) == " (did you mean 'width'?)"
    assert near("Lo", ["lo", "hi"]) == " (did you mean 'lo'?)"
    assert near("zzz", ["width", "height"]) == ""
    assert near("x", []) == ""
