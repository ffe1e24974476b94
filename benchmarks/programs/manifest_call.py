"""Read a campaign's manifest, write it too, or fold its ledger.

python manifest_call.py read|write|fold FOLDER
"""

import os
import sys
from pathlib import Path

from genstudy.files import whole_file
from genstudy.ledger.reading import read_state
from genstudy.specs.manifest import read_manifest


def main() -> None:
    """Do what the command line says."""
    what, folder = sys.argv[1], Path(sys.argv[2])
    if what == "fold":
        read_state(folder)
        return
    manifest = read_manifest(folder)
    if what == "write":
        with whole_file(folder.parent / f"manifest-{os.getpid()}.json") as stream:
            stream.write(manifest.to_text().encode())


if __name__ == "__main__":
    main()
