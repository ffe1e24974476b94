"""The public format of sensitivity indices; docs/sensitivity.md describes it."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

FEW_BLOCKS = 20
"""Of fewer blocks, intervals of 95 % hold the truth in some 80 to 90 % of studies."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Estimate(_Part):
    """An index, as far as the blocks that there are tell it."""

    value: float | None = Field(description="The estimate; null: it cannot be told.")
    confidence: float | None = Field(
        description="How far the confidence interval goes to each side; null: it cannot be told."
    )
    blocks: int = Field(description="Blocks that have all rows which the index needs.")


class VarianceIndices(_Part):
    """The variance-based indices of a parameter or a group."""

    parameter: str
    first: Estimate = Field(description="First order: the share of the variance that it accounts for alone.")
    total: Estimate = Field(description="Total: the share that it has a part in, with others too.")


class PairIndex(_Part):
    """The second-order index of two parameters."""

    parameter: str
    other: str
    second: Estimate = Field(description="The share that both account for together, beyond each alone.")


class ElementaryEffects(_Part):
    """What the elementary effects of a parameter or a group add up to."""

    parameter: str
    mu: Estimate = Field(description="Their mean.")
    mu_star: Estimate = Field(description="The mean of their absolute values.")
    sigma: Estimate = Field(description="Their standard deviation.")


class RowSet(_Part):
    """Rows of the campaign's table."""

    rows: int = Field(description="How many.")
    ranges: str = Field(description="Their numbers, as ranges: 0-99,105.")


class Missing(_Part):
    """Rows without a result, by why that is."""

    failed: RowSet = Field(description="Rows that failed in their last try.")
    pending: RowSet = Field(description="Rows that have not ended.")
    uncollected: RowSet = Field(description="Rows that are done, and not in the database.")
    without: RowSet = Field(description="Rows that are done and collected, and have no such result.")

    @property
    def rows(self) -> int:
        """All of them."""
        return self.failed.rows + self.pending.rows + self.uncollected.rows + self.without.rows


class ResultIndices(_Part):
    """The indices of one result."""

    result: str
    problem: Literal["text", "no values", "constant"] | None = Field(
        description="Why there are no indices: it is text, no row has it, it is the same in every row."
    )
    mean: float | None = Field(
        description="The mean over rows A and B, which follow the laws; null: of another design."
    )
    variance: float | None = Field(description="The variance over these rows.")
    missing: Missing
    indices: tuple[VarianceIndices, ...] = Field(description="Of Saltelli's design, highest total first.")
    pairs: tuple[PairIndex, ...] = Field(description="Of Saltelli's design with second_order, highest first.")
    effects: tuple[ElementaryEffects, ...] = Field(description="Of Morris' design, highest mu_star first.")

    @property
    def of_few(self) -> bool:
        """Whether any index has so few blocks that its interval comes out too narrow."""
        counts = [one.blocks for index in self.indices for one in (index.total, index.first)]
        counts += [pair.second.blocks for pair in self.pairs]
        counts += [effect.mu.blocks for effect in self.effects]
        return any(0 < count < FEW_BLOCKS for count in counts)


class Waiting(_Part):
    """The failed rows that the indices of a parameter need, which `genstudy retry DIR --for` it takes."""

    parameter: str
    failed: RowSet


class Analysis(_Part):
    """What `genstudy analyze --json` prints."""

    format: Literal[1] = Field(description="Version of this format.")
    name: str = Field(description="The campaign's name.")
    folder: str = Field(description="The campaign's folder, its full path.")
    view: str = Field(description="The view of the results in their database.")
    design: str = Field(description="The design, as it is written.")
    parameters: tuple[str, ...] = Field(description="What it varies: parameters and groups.")
    blocks: int = Field(description="Blocks of the design that the campaign has.")
    block: int = Field(description="Rows of a block in the table, replicates and all.")
    replicates: int = Field(description="Rows of one combination; results are averaged over them first.")
    confidence: float = Field(description="How sure the intervals are, such as 0.95.")
    resamples: int = Field(description="Samples of blocks that the intervals come from.")
    seed: int = Field(description="Seed of these samples.")
    failed: RowSet = Field(description="All failed rows: with these, all indices are of all blocks.")
    waiting: tuple[Waiting, ...] = Field(description="The same by parameter, where any row failed.")
    causes: tuple[str, ...] = Field(description="Parameters that failing goes with, as genstudy why tells.")
    results: tuple[ResultIndices, ...]

    @property
    def of_few(self) -> bool:
        """Whether any index has so few blocks that its interval comes out too narrow."""
        return any(one.of_few for one in self.results)


def analysis_schema() -> dict[str, Any]:
    """Return the JSON Schema of what `genstudy analyze --json` prints."""
    return Analysis.model_json_schema()
