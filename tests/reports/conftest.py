"""A browser for the tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.reports.browser import Browser, open_browser


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A browser that opens pages."""
    with open_browser() as found:
        yield found
