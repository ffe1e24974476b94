"""A plain parameter generator for Maestro: it reads the whole table, then keeps the rows that are asked for.

What people write by hand, and what genstudy's pgen is compared with.
"""

import csv
from pathlib import Path
from typing import Any

from maestrowf.datastructures.core import ParameterGenerator


def get_custom_generator(env: Any, **kwargs: Any) -> Any:  # noqa: ARG001 - Maestro's signature
    """Return a generator of the rows that the arguments CSV, START, NROWS and INDEX name."""
    start = int(kwargs.get("START", "0"))
    count = int(kwargs.get("NROWS", "-1"))
    index = kwargs.get("INDEX", "").strip()
    rows = []
    with Path(kwargs["CSV"].strip()).open() as stream:
        reader = csv.DictReader(stream)
        for row in reader:
            rows.append(row)  # noqa: PERF402 - as it is written by hand
        names = reader.fieldnames or []

    generator = ParameterGenerator()
    for name in names:
        if index and name == index:
            continue
        values = [
            row[name].strip()
            for place, row in enumerate(rows)
            if place >= start and (count > place - start or count < 0)
        ]
        key = name.strip().upper()
        generator.add_parameter(key, values, f"{key}.%%")
    return generator
