"""What `import genstudy` gives."""

from __future__ import annotations

import importlib
import inspect

import pytest

import genstudy


def test_every_exported_name_is_there_and_documented() -> None:
    assert dir(genstudy) == sorted([*genstudy.__all__, "__version__"])
    for name in genstudy.__all__:
        found = getattr(genstudy, name)
        assert inspect.getdoc(found)
        assert found is getattr(importlib.import_module(found.__module__), name)


def test_other_names_are_missed_in_the_usual_way() -> None:
    with pytest.raises(AttributeError, match="module 'genstudy' has no attribute 'make_tabel'"):
        _ = genstudy.make_tabel


def test_the_version_is_a_version() -> None:
    assert [part.isdigit() for part in genstudy.__version__.split(".")] == [True] * 3
