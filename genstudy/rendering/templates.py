"""Where study templates are: the built-in ones by name, others by path."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from genstudy.errors import UserError, near
from genstudy.files import named_errors, whole_file

if TYPE_CHECKING:
    from collections.abc import Iterator

SUFFIX = ".yaml.j2"


def builtin_folder() -> Path:
    """Return the folder of the built-in templates: inside an installed package, beside it in a checkout."""
    package = Path(__file__).parents[1]
    installed = package / "templates"
    return installed if installed.is_dir() else package.parent / "templates"


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateSource:
    """A study template: its name (built-in) or path as given, and the file that holds it."""

    name: str
    file: Path
    builtin: bool

    def text(self) -> str:
        """Return the template's text."""
        try:
            return self.file.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            raise UserError("not UTF-8 text", where=self.name, hint="save it as UTF-8") from None

    def summary(self) -> str:
        """Return the first line of the template's leading comment."""
        return next((line.strip() for line in self.leading_comment()), "")

    def leading_comment(self) -> Iterator[str]:
        """Yield the lines of the comment at the template's top."""
        text = self.text().lstrip()
        if text.startswith("{%#"):
            yield from text[3:].split("#%}", 1)[0].strip().splitlines()


def builtin_names() -> list[str]:
    """Return the names of the built-in templates."""
    return sorted(path.name.removesuffix(SUFFIX) for path in builtin_folder().glob(f"*{SUFFIX}"))


def find_template(name: str | Path) -> TemplateSource:
    """Return the built-in template of this name, or the one at this path."""
    text = str(name)
    if text in builtin_names():
        return TemplateSource(name=text, file=builtin_folder() / f"{text}{SUFFIX}", builtin=True)
    path = Path(name)
    if path.is_file():
        return TemplateSource(name=text, file=path, builtin=False)
    raise UserError(
        f"there is no template '{text}'{near(text, builtin_names())}",
        hint=f"built in are: {', '.join(builtin_names())}; a template of your own is given by its path",
    )


def copy_template(name: str, target: Path, *, force: bool = False) -> Path:
    """Copy a built-in template to a file (or into a folder) to change it. Returns the file."""
    source = find_template(name)
    if target.is_dir():
        target /= source.file.name
    with named_errors(target), whole_file(target, force=force) as stream:
        stream.write(source.text().encode())
    return target
