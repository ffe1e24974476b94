"""Read one file of an archive, and time the call, opening the archive included, without the start of Python.

    python read_member.py ARCHIVE PATH

Prints as JSON the median of some calls in seconds, and the text of the file.
"""

import json
import statistics
import sys
import time
from pathlib import Path

from genstudy.archives.read import Archive

CALLS = 9


def main() -> None:
    """Time the calls; the first one is not counted."""
    path, member = Path(sys.argv[1]), sys.argv[2]
    taken = []
    for _ in range(CALLS + 1):
        start = time.perf_counter()
        with Archive(path) as archive:
            data = archive.read(member)
        taken.append(time.perf_counter() - start)
    print(json.dumps({"seconds": statistics.median(taken[1:]), "text": data.decode()}))


if __name__ == "__main__":
    main()
