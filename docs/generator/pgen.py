"""The page of the pgen: its arguments, and the variables that carry them in a specification."""

from __future__ import annotations

import re

from docs.generator.markdown import code, page, prose, table
from genstudy.parameters.names import PARG_PREFIX
from genstudy.specs import pgen

ABOUT = """\
What `maestro run SPEC --pgen pgen.py` takes with `--pargs NAME:VALUE`. With examples:
[rows by hand](../specs.md#rows-by-hand-the-pgens-arguments)."""
ARGUMENT = re.compile(r"^    ([A-Z0-9]+) {2,}(\S.*)$", re.MULTILINE)
BAKED_ABOUT = f"""\
A specification carries them as variables, such as `{PARG_PREFIX}CSV`; what is given with `--pargs` wins.
These stand there alone, and are refused on the command line:"""
BAKED = {
    "OFFSET": "where the batch's rows begin in the table, in bytes",
    "BYTES": "how many bytes they are",
    "SHA256": "the hash of the table's header and these bytes; a table that has changed since is refused",
}


def pgen_page() -> str:
    """Return the page."""
    told = dict(ARGUMENT.findall(pgen.__doc__ or ""))
    if set(told) != set(pgen.PUBLIC) or set(BAKED) != set(pgen.BAKED):
        raise ValueError("pgen.py does not tell of all its arguments at its top")
    rows = [[code(name), prose(told[name])] for name in pgen.PUBLIC]
    baked = [[code(PARG_PREFIX + name), BAKED[name]] for name in pgen.BAKED]
    return page(
        "Arguments of the pgen",
        ABOUT,
        f"## Arguments\n\n{table(['argument', 'is'], rows)}",
        f"## In a specification\n\n{BAKED_ABOUT}\n\n{table(['variable', 'is'], baked)}",
    )
