"""The settings of a scheduler: what can be written, and what the JSON schema says of it."""

from __future__ import annotations

from typing import Any

import jsonschema  # type: ignore[import-untyped]
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from genstudy import study_schema
from genstudy.specs.scheduler import SchedulerSettings

WORDS = ("local", "slurm", "steps", "batches", "debug", "15m", "1:30:00", "4", "", "--x=1")
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 9),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(WORDS),
    st.text(max_size=3),
    st.lists(st.sampled_from((*WORDS, 1)), max_size=2),
    st.dictionaries(st.text(max_size=2), st.integers(), max_size=1),
)
SCHEMA = jsonschema.Draft202012Validator(study_schema()["$defs"]["SchedulerSettings"])


@given(st.sampled_from(sorted(SchedulerSettings.model_fields)), VALUES)
def test_the_schema_takes_what_is_taken(key: str, value: Any) -> None:
    try:
        settings = SchedulerSettings.model_validate({key: value})
    except ValidationError:
        return
    if key != "exclusive":  # `yes` is text to some readers of YAML, and true to others
        SCHEMA.validate({key: value})
    written = settings.model_dump(mode="json", exclude_unset=True)
    SCHEMA.validate(written)
    assert SchedulerSettings.model_validate(written) == settings
