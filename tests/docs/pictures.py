"""Makes the tutorial's pictures anew, by following it: `python -m tests.docs.pictures`. Needs Chromium."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from tests.docs.blocks import run_page
from tests.reports.browser import open_browser

DOCS = Path(__file__).parents[2] / "docs"
WIDTH = 820
FROM = "document.querySelectorAll('#results h3')[1].getBoundingClientRect().top"
TO = "document.querySelector('#results').getBoundingClientRect().bottom"


def make_pictures() -> None:
    """Write docs/images/tutorial-design.svg and tutorial-report.png."""
    with tempfile.TemporaryDirectory() as folder:
        faults = run_page((DOCS / "tutorial.md").read_text(encoding="utf-8"), Path(folder))
        assert not faults, "\n".join(faults)
        made = Path(folder) / "oscillator"
        shutil.copyfile(made / "springs.svg", DOCS / "images" / "tutorial-design.svg")
        picture_correlations(made / "springs_report.html", DOCS / "images" / "tutorial-report.png")


def picture_correlations(report: Path, target: Path) -> None:
    """Write a picture, in 64 colours, of how the results of a report go with the parameters."""
    with open_browser() as browser:
        picture = browser.look(report, WIDTH).picture
        top, bottom = int(browser.run(FROM)), int(browser.run(TO))
    cut = picture.crop((0, top - 10, WIDTH, bottom + 10))
    cut.convert("RGB").quantize(64).save(target, optimize=True)


if __name__ == "__main__":
    make_pictures()
