"""Write all pages of the reference anew."""

from __future__ import annotations

import sys
from pathlib import Path

from docs.generator.pages import pages

FOLDER = Path(__file__).parents[1] / "reference"


def main() -> None:
    """Write the pages that changed, and tell which; pages that nothing makes any more are removed."""
    FOLDER.mkdir(exist_ok=True)
    made = pages()
    for path in FOLDER.glob("*.md"):
        if path.name not in made:
            path.unlink()
            sys.stdout.write(f"{path.name}: removed\n")
    for name, text in made.items():
        path = FOLDER / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            sys.stdout.write(f"{name}: written\n")


if __name__ == "__main__":
    main()
