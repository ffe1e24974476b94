"""Archive a folder, read the archive back, and time both calls, without the start of Python.

    python write_archive.py FOLDER ARCHIVE

Prints the seconds as JSON.
"""

import json
import sys
import time
from pathlib import Path

from genstudy.archives.verify import verify_archive
from genstudy.archives.write import write_archive


def main() -> None:
    """Time the calls, after a first one of a single file: a run archives batch after batch."""
    source, target = map(Path, sys.argv[1:])
    first = target.with_name("first.tar.zst")
    first.unlink(missing_ok=True)
    write_archive([Path(__file__)], first)
    start = time.perf_counter()
    written = write_archive([source], target)
    middle = time.perf_counter()
    verify_archive(target, written.sha256)
    end = time.perf_counter()
    found = {"write": middle - start, "verify": end - middle, "nbytes": written.nbytes}
    print(json.dumps({**found, "entries": written.entries}))


if __name__ == "__main__":
    main()
