"""Results out of lines such as `key = value`, and out of files that are a result as a whole."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from genstudy.results.lines import BOM, line_blocks
from genstudy.results.values import CONVERTERS, Missing, parsed, shown
from genstudy.results.workspace import whole

if TYPE_CHECKING:
    from genstudy.results.workspace import Content
    from genstudy.specs.result_sources import Source

COMMENT = re.compile(r"(?:^|\s)#.*")


class KeyValueFile:
    """Takes columns out of lines `key = value` or `key: value`; of several with one key the last.

    What stands behind the first of = and : is the value, up to a # with a space before it.
    """

    def __init__(self, source: Source) -> None:
        self.columns = tuple(source.columns)
        self._keys = [source.key_of(name).encode("utf-8", "surrogatepass") for name in self.columns]
        self._types = [source.type_of(name) for name in self.columns]
        keys = b"|".join(map(re.escape, self._keys))
        self._form = re.compile(rb"^[^\S\n]*(%s)[^\S\n]*[=:](.*)" % keys, re.MULTILINE)

    def take(self, content: Content, errors: dict[str, str]) -> tuple[Any, ...]:
        """Return the columns' values, and note why some are None. Raises Missing for the file as a whole."""
        if isinstance(content, bytes):
            if not content:
                raise Missing("an empty file")
            found = dict(self._form.findall(content.removeprefix(BOM)))
        else:
            found = {}
            for place, block in enumerate(line_blocks(content)):
                found.update(self._form.findall(block if place else block.removeprefix(BOM)))
        return tuple([self._one(found, place, errors) for place in range(len(self.columns))])

    def _one(self, found: dict[bytes, bytes], place: int, errors: dict[str, str]) -> Any:
        key = self._keys[place]
        try:
            if key not in found:
                raise Missing(f"no key {shown(key.decode('utf-8', 'replace'))}")
            text = found[key].decode("utf-8", "surrogateescape")
            return parsed(COMMENT.sub("", text, count=1), self._types[place])
        except Missing as reason:
            errors[self.columns[place]] = str(reason)
            return None


class TextFile:
    """Takes a file as a whole for one column, without the spaces and line ends around it."""

    def __init__(self, source: Source) -> None:
        [name] = self.columns = tuple(source.columns)
        self._type = source.type_of(name)

    def take(self, content: Content, errors: dict[str, str]) -> tuple[Any, ...]:  # noqa: ARG002 - one column
        """Return the value. Raises Missing for what is none."""
        data = whole(content)
        if not data:
            raise Missing("an empty file")
        try:
            text = data.removeprefix(BOM).decode()
        except UnicodeDecodeError:
            raise Missing("not UTF-8") from None
        return (parsed(text, self._type),)


class SizeOfFile:
    """Takes a file's size in bytes for one column."""

    def __init__(self, source: Source) -> None:
        [name] = self.columns = tuple(source.columns)
        self._type = source.type_of(name)

    def take(self, size: int, errors: dict[str, str]) -> tuple[Any, ...]:  # noqa: ARG002 - one column
        """Return the value. Raises Missing for what is none."""
        return (CONVERTERS[self._type](size),)
