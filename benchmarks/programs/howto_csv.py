"""A table of random integers from the standard library: a list a column, and csv.DictWriter for the rows.

What people write by hand, and what `genstudy csv` is compared with.
"""

import argparse
import csv
from pathlib import Path
from random import randint


def random_integers(count: int, low: int = 0, high: int = 100) -> list[int]:
    """Return that many integers from low to high, both included."""
    return [randint(low, high) for _ in range(count)]


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Write a table of random integers.")
    parser.add_argument("table", help="the CSV file to write")
    parser.add_argument("-n", "--num-values", type=int, default=20, help="values of each column")
    parser.add_argument("-p", "--params", nargs="+", default=["param1", "param2", "param3"])
    parser.add_argument("-i", "--index", default="", help="the name of a first column that counts")
    parser.add_argument("-d", "--debug", action="store_true", help="print the rows")
    return parser.parse_args()


def main() -> None:
    """Draw the columns, turn them into rows, and write these."""
    arguments = parse_arguments()
    columns = {name: random_integers(arguments.num_values) for name in arguments.params}
    names = [arguments.index, *arguments.params] if arguments.index else arguments.params
    with Path(arguments.table).open("w") as stream:
        writer = csv.DictWriter(stream, fieldnames=names)
        writer.writeheader()
        rows = [dict(zip(columns, values)) for values in zip(*columns.values())]  # noqa: B905 - as by hand
        for number, row in enumerate(rows):
            written = {arguments.index: number, **row} if arguments.index else row
            if arguments.debug:
                print(written)
            writer.writerow(written)


if __name__ == "__main__":
    main()
