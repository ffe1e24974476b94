"""All pages of the reference."""

from __future__ import annotations

from docs.generator.commands import commands_page
from docs.generator.formats import manifest_page, study_page
from docs.generator.laws import laws_page
from docs.generator.pgen import pgen_page
from docs.generator.templates import templates_page


def pages() -> dict[str, str]:
    """Return {name: text} of all pages in docs/reference."""
    return {
        "commands.md": commands_page(),
        "study-file.md": study_page(),
        "manifest.md": manifest_page(),
        "templates.md": templates_page(),
        "laws-and-designs.md": laws_page(),
        "pgen.md": pgen_page(),
    }
