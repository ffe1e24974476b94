"""The public format of what failed rows have in common; docs/why.md describes it."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

ALPHA = 0.01
"""A parameter is called a cause below this p-value, adjusted for all tests."""

Verdict = Literal["causes", "no cause", "too few", "none done", "none failed", "none ended"]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FailureKind(_Part):
    """Rows that failed in the same step with the same word of Maestro's."""

    step: str = Field(description="The step that failed first; empty where none can be named.")
    state: str = Field(description="Maestro's word for it, or the scheduler's; LOST: there is none.")
    rows: int = Field(description="How many rows, by their last attempt.")


class Range(_Part):
    """A range of numbers or some values of a parameter, and how many rows failed there and elsewhere."""

    text: str = Field(description="What these rows are, such as `width >= 1.83` or `material = brass`.")
    low: float | None = Field(default=None, description="The least number in it; null: no end.")
    high: float | None = Field(default=None, description="The least number above it; null: no end.")
    values: tuple[str, ...] = Field(default=(), description="The values, where it is no range.")
    failed: int = Field(description="Rows in it that failed.")
    rows: int = Field(description="Rows in it that ended.")
    failed_elsewhere: int = Field(description="Rows outside of it that failed.")
    rows_elsewhere: int = Field(description="Rows outside of it that ended.")
    ratio: float | None = Field(
        description="The share of failed rows in it over that elsewhere; null: none failed elsewhere."
    )
    tried: int = Field(description="How many ranges or values of this parameter were tried.")
    p: float = Field(description="The p-value by Fisher's exact test, times what was tried for it.")
    adjusted: float = Field(description="The same, adjusted by Holm over all tests of all parameters.")


class Independence(_Part):
    """A test whether failing depends on a parameter at all."""

    test: Literal["chi2", "fisher"] = Field(description="Pearson's chi-squared test, or Fisher's exact one.")
    statistic: float | None = Field(description="Chi-squared, or the odds ratio; null: it is infinite.")
    groups: int = Field(description="The bins or values that were compared.")
    p: float
    adjusted: float = Field(description="The p-value adjusted by Holm over all tests of all parameters.")


class ParameterFindings(_Part):
    """What the tests tell of a parameter. A column of a single value has none."""

    name: str
    kind: Literal["number", "text"]
    called: bool = Field(description="Whether it tells failed rows from done ones: adjusted p below alpha.")
    independence: Independence | None
    range: Range | None = Field(
        description="Where failed rows are most over-represented, called or not; null: nowhere, or failing "
        "surely depends on the parameter, and in no one range."
    )

    @property
    def adjusted(self) -> float:
        """The adjusted p-value of its range if that is called, else the smaller one; 1 if there is none."""
        if self.called and self.range is not None:
            return self.range.adjusted
        return min((test.adjusted for test in (self.independence, self.range) if test), default=1.0)


class WhyFailed(_Part):
    """What tells the failed rows of a campaign from the done ones."""

    name: str = Field(description="The campaign's name.")
    folder: str = Field(description="The campaign's folder, its full path.")
    step: str | None = Field(description="Only rows that failed in this step were looked at; null: all.")
    state: str | None = Field(description="Only rows with this word for how they failed; null: all.")
    done: int = Field(description="Rows that finished.")
    failed: int = Field(description="Rows that failed in their last attempt, and are compared.")
    apart: int = Field(
        description="Rows that failed as their job was taken away, and are not compared: before they had "
        "begun, as far as is known, or for what had nothing to do with them."
    )
    pending: int = Field(description="Rows that have not ended.")
    kinds: tuple[FailureKind, ...] = Field(description="All failed rows by step and state, most first.")
    alpha: float = Field(description="The adjusted p-value below which a parameter is called a cause.")
    verdict: Verdict = Field(description="Whether there are causes, or why none can be named.")
    parameters: tuple[ParameterFindings, ...] = Field(description="All parameters, in the table's order.")

    @property
    def causes(self) -> tuple[ParameterFindings, ...]:
        """The parameters that are called causes, the surest first."""
        called = (parameter for parameter in self.parameters if parameter.called)
        return tuple(sorted(called, key=lambda parameter: parameter.adjusted))


class FailureGroup(_Part):
    """Failed rows whose steps printed the same last lines, but for numbers, paths and times."""

    step: str = Field(description="The step that failed first; empty where none can be named.")
    state: str = Field(description="Maestro's word for it, or the scheduler's; LOST: there is none.")
    rows: int = Field(description="Rows of those that were read.")
    share: float = Field(description="Their share among the rows that were read.")
    lines: str = Field(description="The last lines, with placeholders for what differs between rows.")
    row: int = Field(description="A row of it: its number in the campaign's table.")
    id: str = Field(description="That row's id.")
    batch: str = Field(description="The id of that row's batch.")
    example: str = Field(description="The last lines that this row printed.")


class FailureGroups(_Part):
    """The failed rows of a campaign by what they printed last."""

    failed: int = Field(description="Rows that failed in their last attempt, and in the way asked for.")
    read: int = Field(description="Rows of these whose output was read; less than all: a sample.")
    groups: tuple[FailureGroup, ...] = Field(description="The largest groups, the largest first.")
    others: int = Field(description="How many more groups there are.")
    rows_in_others: int = Field(description="Rows that are in these.")


class Why(_Part):
    """What `genstudy why --json` prints."""

    format: Literal[1] = Field(description="Version of this format.")
    causes: WhyFailed
    output: FailureGroups


def why_schema() -> dict[str, Any]:
    """Return the JSON Schema of what `genstudy why --json` prints."""
    return Why.model_json_schema()
