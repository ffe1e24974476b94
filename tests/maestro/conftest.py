"""What the tests with real Maestro share: tables, templates, and Maestro itself as a user calls it."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

VALUES_STEP = """\
description:
    name: {{ batch.name | yaml }}
    description: every value, each ended by a zero byte
env:
    variables:
        OUTPUT_PATH: ./out
study:
    - name: values
      description: write the values
      run:
          cmd: |
              set -euo pipefail
              printf '%s\\0' $(ROW_ID) {% for p in params %}{{ p.quoted }} {% endfor +%}
              printf '%s\\0' $(ROW_ID) {% for p in params %}{{ p.quoted }} {% endfor %} > values.bin
"""
"""A study whose step writes the row id and all values to values.bin, byte for byte."""


@dataclass(frozen=True)
class Maestro:
    """The installed `maestro` command, run as a person runs it."""

    folder: Path

    def __call__(
        self, *arguments: str | Path, cwd: Path | None = None, env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run maestro and return what it did."""
        return subprocess.run(
            [str(Path(sys.executable).with_name("maestro")), *map(str, arguments)],
            cwd=cwd or self.folder,
            env={**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", **(env or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    def run(self, spec: Path, pgen: Path | None, out: Path, *options: str, cwd: Path | None = None) -> None:
        """Run a specification to its end in the foreground; it must succeed."""
        with_pgen: list[str | Path] = ["--pgen", pgen] if pgen else []
        done = self("run", "-fg", "-y", "-s", "0", "-o", out, spec, *with_pgen, *options, cwd=cwd)
        assert done.returncode == 0, done.stderr[-3000:]


@pytest.fixture
def maestro(tmp_path: Path) -> Maestro:
    """Maestro, standing in the test's folder."""
    return Maestro(tmp_path)


def write_table(path: Path, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Path:
    """Write a CSV table as Python's own writer does."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)
    return path


def values_template(folder: Path) -> Path:
    """Write the template whose step writes every value down."""
    path = folder / "values.yaml.j2"
    path.write_text(VALUES_STEP)
    return path


def values_written(out: Path) -> dict[str, list[str]]:
    """Return {row id: values} of a study made from that template; a row id twice is an error."""
    found: dict[str, list[str]] = {}
    for path in sorted(out.glob("values/*/values.bin")):
        row_id, *values = path.read_bytes().decode("utf-8").split("\0")[:-1]
        assert row_id not in found
        found[row_id] = values
    return found


def wait_until(condition: Callable[[], bool], *, seconds: float = 60) -> None:
    """Wait for something that another process does."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)
