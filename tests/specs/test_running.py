"""How a campaign is run: what can be written in a study file, and what is refused."""

from __future__ import annotations

from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
from pydantic import ValidationError

from genstudy.specs.running import RunSettings


def test_nothing_need_be_said() -> None:
    settings = RunSettings.model_validate({})
    assert (settings.jobs, settings.save, settings.keep_failed, settings.pass_env) == (1, "archive", True, [])
    assert settings.model_dump(exclude_unset=True) == {}
    wanted = {"jobs": 1, "save": "archive", "keep_failed": True, "pass_env": []}
    assert settings.model_dump(exclude_none=True) == wanted


@pytest.mark.parametrize(
    ("key", "written", "read"),
    [
        ("jobs", 4, 4),
        ("save", "move", "move"),
        ("to", "/archive", "/archive"),
        ("keep_failed", False, False),
        ("before", "module load x", "module load x"),
        ("timeout", "2h", 7200.0),
        ("timeout", "1:30", 5400.0),
        ("timeout", 90, 90.0),
        ("timeout", 0.5, 0.5),
        ("max_files", 1, 1),
        ("min_free", "10G", 10 * 2**30),
        ("min_free", 0, 0),
        ("min_free", "0", 0),
        ("min_free_files", 0, 0),
        ("max_failures", 0, 0),
        ("max_failure_rate", 0, 0.0),
        ("max_failure_rate", 0.25, 0.25),
        ("throttle", 0, 0),
        ("attempts", 1, 1),
        ("rlimit", 0, 0),
        ("sleep", 0, 0),
        ("pass_env", "MY_TOKEN", ["MY_TOKEN"]),
        ("pass_env", ["A", "_b1", "AWS_*"], ["A", "_b1", "AWS_*"]),
    ],
)
def test_what_can_be_written(key: str, written: Any, read: Any) -> None:
    settings = RunSettings.model_validate({key: written})
    assert getattr(settings, key) == read
    assert settings.model_dump(exclude_unset=True) == {key: read}
    assert RunSettings.model_validate_json(settings.model_dump_json(exclude_unset=True)) == settings
    jsonschema.validate({key: read}, RunSettings.model_json_schema())


@pytest.mark.parametrize(
    ("key", "written", "reason"),
    [
        ("job", 1, "Extra inputs are not permitted"),
        ("jobs", 0, "greater than or equal to 1"),
        ("jobs", True, "valid integer"),
        ("jobs", "4", "valid integer"),
        ("jobs", 1.0, "valid integer"),
        ("save", "delete", "'keep', 'archive' or 'move'"),
        ("to", "", "at least 1 character"),
        ("before", "", "at least 1 character"),
        ("timeout", 0, "greater than 0"),
        ("timeout", "0s", "greater than 0"),
        ("timeout", -1, "greater than 0"),
        ("timeout", "soon", "'soon' is no time: write seconds, or 15m, 2h, 1d"),
        ("timeout", True, "true is no number"),
        ("timeout", float("inf"), "finite"),
        ("timeout", float("nan"), "greater than 0"),
        ("timeout", "9" * 400, "is no time"),
        ("min_free", "much", "'much' is no size: write a number and K, M, G or T"),
        ("min_free", -1, "greater than or equal to 0"),
        ("min_free", True, "true is no number"),
        ("max_failure_rate", False, "false is no number"),
        ("min_free", 1.5, "valid integer"),
        ("min_free", float("inf"), "finite"),
        ("min_free", "9" * 400, "is no size"),
        ("max_failure_rate", 1.1, "less than or equal to 1"),
        ("max_failure_rate", float("nan"), "greater than or equal to 0"),
        ("max_failures", -1, "greater than or equal to 0"),
        ("max_files", 0, "greater than or equal to 1"),
        ("attempts", 0, "greater than or equal to 1"),
        ("pass_env", "A B", "'A B' is no name of an environment variable"),
        ("pass_env", ["A", "1B"], "'1B' is no name of an environment variable"),
        ("pass_env", ["*"], "'*' is no name"),
        ("pass_env", ["A\n"], "is no name"),
        ("pass_env", 3, "valid list"),
    ],
)
def test_what_is_refused(key: str, written: Any, reason: str) -> None:
    with pytest.raises(ValidationError) as caught:
        RunSettings.model_validate({key: written})
    assert reason in caught.value.errors()[0]["msg"]


def test_settings_do_not_change() -> None:
    settings = RunSettings.model_validate({})
    with pytest.raises(ValidationError, match="frozen"):
        settings.jobs = 2
