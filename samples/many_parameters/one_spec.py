"""Prints a table's rows as one specification of plain Maestro: python3 one_spec.py params.csv > one.yaml."""

import csv
import sys
from pathlib import Path

HEAD = r"""description:
    name: one
    description: All rows and parameters in one specification

study:
    - name: simulate
      description: Write all parameters of a row to a file, and run the code on it
      run:
          cmd: |
              printf '%s\n' \
"""

with Path(sys.argv[1]).open(newline="", encoding="utf-8") as table:
    names, *rows = csv.reader(table)

print(HEAD, end="")
for name in names:
    print(f"                '{name} = '$({name.upper()}) \\")
print("                > beam.txt")
print("              awk -f $(SPECROOT)/beam.awk beam.txt > forces.txt")
print("\nglobal.parameters:")
for number, name in enumerate(names):
    print(f"    {name.upper()}:")
    print(f"        values: [{', '.join(row[number] for row in rows)}]")
    print(f"        label: {name.upper()}.%%")
