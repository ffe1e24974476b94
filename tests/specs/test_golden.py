"""Whole specifications of the built-in templates, as they are in tests/golden.

After a change that is meant, renew them with

    pytest tests/specs/test_golden.py --renew-golden

and look at what `git diff tests/golden` says.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from genstudy.rendering.templates import builtin_names
from genstudy.specs.make import make_specs
from genstudy.specs.options import Options

pytestmark = pytest.mark.usefixtures("in_tmp")


GOLDEN = Path(__file__).parents[1] / "golden"
TABLE = 'run,width,load_case,e-mod\nr1,1.5,"it\'s 5 kN, $(down)",2.1e11\nr2,1.6,up,010\nr3,1.7,"a ""b""",no\n'
PLAIN = "width,height\n1.5,010\n1.6,1:30:00\n1.7,no\n"
SLURM = {"type": "slurm", "host": "ours", "bank": "", "queue": "010"}
RUN = {"procs": 4, "walltime": "01:30:00", "exclusive": True}
DECK = "# a deck\nwidth = $(WIDTH)\n  case '$(LOAD_CASE)' of $(ROW_ID)\n"
JINJA_DECK = "{% for p in params %}\n{{ p.name }}: {{ p.token }}\n{% endfor %}\nfirst {{ width }}\n"

CASES: dict[str, dict[str, Any]] = {
    "echo": {},
    "echo-slurm": {
        "template": "echo",
        "variables": {"output_path": "/p/lustre/no: yes", "batch": SLURM, "run": RUN},
    },
    "echo-inline": {"template": "echo", "inline": True},
    "command": {"variables": {"command": "python3 model.py"}},
    "command-positional": {
        "template": "command",
        "variables": {"command": "set -x\npython3 'my model.py'", "style": "positional", "run": RUN},
        "allow_unsafe_values": True,
    },
    "input-deck": {"variables": {"deck": "model.in", "command": "mycode model.in > model.log"}},
    "input-deck-jinja": {
        "template": "input-deck",
        "variables": {
            "deck": "model.in.j2",
            "command": "mycode < deck",
            "input": "deck",
            "batch": {"type": "flux"},
            "run": {"procs": 1},
        },
    },
    "pipeline": {"variables": {"simulate": "python3 model.py input.json"}},
    "pipeline-full": {
        "template": "pipeline",
        "variables": {
            "setup": "cp $(SPECROOT)/mesh.dat .",
            "simulate": "python3 model.py input.json $(setup.workspace)/mesh.dat",
            "post": "grep energy output.txt > result.txt",
            "gather": "cat $(post-process.workspace)/*/result.txt > all.txt",
            "tar": True,
            "run": RUN,
            "batch": SLURM,
        },
    },
}


@pytest.mark.parametrize("case", CASES)
def test_the_whole_text(case: str, request: pytest.FixtureRequest) -> None:
    options = {"template": case, **CASES[case]}
    inline = options.get("inline", False)
    Path("beam.csv").write_text(PLAIN if inline else TABLE)
    Path("model.in").write_text(DECK)
    Path("model.in.j2").write_text(JINJA_DECK)
    make_specs("beam.csv", "out", Options(batch_size=2, index=None if inline else "run", **options))
    found = Path("out/beam_0001.yaml").read_text()
    file = GOLDEN / f"{case}.yaml"
    if request.config.getoption("--renew-golden"):
        file.write_text(found)
    assert found == file.read_text()


def test_every_built_in_template_has_a_whole_text() -> None:
    assert {CASES[case].get("template", case) for case in CASES} == set(builtin_names())
    assert {path.stem for path in GOLDEN.glob("*.yaml")} == set(CASES)
