"""Read a table, and time how long polars takes to write it once its columns are in memory.

    python polars_write.py TABLE COPY

Prints the seconds as JSON.
"""

import json
import sys
import time

import polars as pl


def main() -> None:
    """Time the writing of a frame that is made of ready columns."""
    table, copy = sys.argv[1:]
    ready = {column.name: column.to_numpy() for column in pl.read_csv(table).rechunk()}
    start = time.perf_counter()
    pl.DataFrame(ready).write_csv(copy)
    print(json.dumps({"seconds": time.perf_counter() - start}))


if __name__ == "__main__":
    main()
