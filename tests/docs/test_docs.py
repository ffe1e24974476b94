"""The documentation: it names everything there is, its links lead somewhere, and what it shows happens."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest
import typer.main

import genstudy
from genstudy.cli.app import app
from genstudy.cli.csv import csv_command
from genstudy.designs.kinds import KINDS as DESIGN_KINDS
from genstudy.parameters.expressions import FUNCTIONS
from genstudy.parameters.grammar import LAWS
from genstudy.parameters.laws import signature
from genstudy.rendering.context import BatchView, ParameterView, StudyView, TableView, base_context
from genstudy.rendering.loader import TemplateLoader, make_environment
from genstudy.rendering.macros import ARGUMENT_STYLES, Macros
from genstudy.rendering.templates import builtin_names
from genstudy.rendering.tokens import FORMS
from genstudy.specs import pgen
from genstudy.specs.bake import pargs_of
from genstudy.specs.manifest import Manifest
from genstudy.specs.result_sources import KINDS
from genstudy.specs.results import ResultsSettings
from genstudy.specs.running import RunSettings
from genstudy.specs.scheduler import SchedulerSettings
from genstudy.studies.model import Study
from genstudy.tables.freeze import Slice
from tests.docs.blocks import commands_of, run_page
from tests.test_layers import LAYERS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import BaseModel

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
REFERENCE = DOCS / "reference"
"""Pages that are made of the code; what they must hold, docs.generator finds by itself."""

PAGES = sorted([ROOT / "README.md", *(path for path in DOCS.rglob("*.md") if path.parent != REFERENCE)])
PAGES_TO_RUN = [path for path in PAGES if commands_of(path.read_text(encoding="utf-8"))]
PAGES_WITH_SLURM = {"clusters.md", "how-to/slurm.md"}
"""Those that are run on a real Slurm."""
PAGES_WITH_POSTGRESQL = {"how-to/database.md"}
"""Those that are run with a real PostgreSQL database, whose URL they find in STUDIES."""
ALL_PAGES = [
    *PAGES,
    *sorted(REFERENCE.glob("*.md")),
    *sorted(ROOT.glob("C*.md")),
    *sorted((ROOT / "samples").rglob("*.md")),
]
PAGE_OF_COMMAND = {
    "genstudy": "index.md",
    "genstudy analyze": "sensitivity.md",
    "genstudy build": "study-file.md",
    "genstudy cancel": "status.md",
    "genstudy csv": "csv.md",
    "genstudy demo": "index.md",
    "genstudy doctor": "doctor.md",
    "genstudy fetch": "fetch.md",
    "genstudy collect": "results.md",
    "genstudy export": "results.md",
    "genstudy extend": "extend.md",
    "genstudy query": "results.md",
    "genstudy init": "study-file.md",
    "genstudy plan": "plan.md",
    "genstudy plot": "plot.md",
    "genstudy report": "report.md",
    "genstudy retry": "retry.md",
    "genstudy run": "running.md",
    "genstudy schema": "manifest.md",
    "genstudy specs": "specs.md",
    "genstudy status": "status.md",
    "genstudy submit": "clusters.md",
    "genstudy templates": "templates.md",
    "genstudy templates check": "templates.md",
    "genstudy templates copy": "templates.md",
    "genstudy templates list": "templates.md",
    "genstudy templates show": "templates.md",
    "genstudy verify": "fetch.md",
    "genstudy why": "why.md",
}
START = Path(genstudy.__file__).parent / "studies" / "study.yaml"
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
OF_SCHEDULERS = re.compile(r"#SBATCH [^`\n]*|^exec flux (?:.*\\\n)*.*$", re.MULTILINE)
FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


def page(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def in_code(text: str) -> set[str]:
    """Return every word that stands in `code` on a page, cut at blanks, brackets, commas and equals signs."""
    spans = re.findall(r"`((?:[^`\n]|\n(?!\n))+)`", FENCED.sub("", text))
    return {word for span in spans for word in re.split(r"[\s(),=:]+", span)} | set(spans)


def walk(command: object, path: str) -> Iterator[tuple[str, list[str]]]:
    """Yield every command's name and all spellings of its options."""
    options = [
        spelling
        for parameter in getattr(command, "params", [])
        if parameter.param_type_name == "option"
        for spelling in (*parameter.opts, *parameter.secondary_opts)
    ]
    yield path, options
    for name, sub in getattr(command, "commands", {}).items():
        yield from walk(sub, f"{path} {name}")


COMMANDS = dict(walk(typer.main.get_command(app), "genstudy"))


def test_every_command_has_its_page() -> None:
    assert set(COMMANDS) == set(PAGE_OF_COMMAND)
    index = in_code(page("index.md"))
    for command in set(COMMANDS) - {"genstudy", "genstudy templates"}:
        assert command in index


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_stands_on_its_commands_page(command: str) -> None:
    text = page(PAGE_OF_COMMAND[command])
    assert command in text
    missing = [option for option in COMMANDS[command] if option not in in_code(text)]
    assert missing == []


def test_no_page_names_an_option_that_no_command_has() -> None:
    known = {option for options in COMMANDS.values() for option in options} | {"--help", "--"}
    maestros = {"--pgen", "--pargs", "--dry", "--hashws"}
    from_elsewhere = {"--width", "--numprocesses", "--zstd", "--array", "--constraint"}
    for path in PAGES:
        text = OF_SCHEDULERS.sub("", path.read_text(encoding="utf-8"))
        named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", text))
        assert named - known - maestros - from_elsewhere == set(), path


def test_every_law_with_its_arguments() -> None:
    words = in_code(page("csv.md"))
    for name, law in LAWS.items():
        assert name in words
        if name not in {"choice", "const"}:
            arguments = re.findall(r"[(,] ?(\w+)", signature(law))
            assert f"{name}({', '.join(arguments)})" in words


def test_help_and_the_study_file_to_start_from_name_every_law() -> None:
    for text in (csv_command.__doc__ or "", START.read_text(encoding="utf-8")):
        assert [name for name in LAWS if f"{name}(" not in text] == []


def test_every_design_and_every_function_of_formulas() -> None:
    assert set(FUNCTIONS) <= in_code(page("csv.md"))
    for name, kind in DESIGN_KINDS.items():
        shown = "".join(re.findall(rf"`{name}(\([^`]*\))?`", page("designs.md")))
        assert f"`{name}" in page("designs.md")
        assert [argument for argument in kind.arguments if f"{argument}=" not in shown] == []


@pytest.mark.parametrize("key", Study.model_fields)
def test_every_key_of_a_study_file(key: str) -> None:
    assert f"\n| `{key}` |" in page("study-file.md")


@pytest.mark.parametrize("key", RunSettings.model_fields)
def test_every_key_of_how_it_is_run(key: str) -> None:
    row = re.search(
        rf"^\|[^|]*`{key}`.*\|$", page("study-file.md").partition("## How it is run")[2], re.MULTILINE
    )
    assert row is not None


def fields_of(model: type[BaseModel]) -> Iterator[str]:
    for name, field in model.model_fields.items():
        yield field.alias or name
        for kind in (field.annotation, *getattr(field.annotation, "__args__", ())):
            if hasattr(kind, "model_fields"):
                yield from fields_of(kind)


@pytest.mark.parametrize("key", [*fields_of(ResultsSettings), *KINDS])
def test_every_key_of_results(key: str) -> None:
    taken = page("results.md").partition("## What is taken")[2].partition("\n## ")[0]
    assert f"`{key}`" in taken or key == "key"


@pytest.mark.parametrize("key", SchedulerSettings.model_fields)
def test_every_key_of_a_scheduler(key: str) -> None:
    assert f"`{key}`" in page("clusters.md").partition("\n## ")[0]


def test_every_field_of_the_manifest() -> None:
    fields = set(fields_of(Manifest))
    assert {"batches", "columns", "spec_sha256"} <= fields
    assert fields <= in_code(page("manifest.md"))


def test_everything_that_templates_see() -> None:
    words = in_code(page("templates.md"))
    macros = Macros.__new__(Macros).exported()
    assert set(macros) <= words
    assert set(ARGUMENT_STYLES) <= words
    for name in base_context([], {}):
        assert name in words or f"{name}.NAME" in words
    for name, view in (("study", StudyView), ("batch", BatchView), ("table", TableView)):
        fields = {field for field in dir(view) if not field.startswith("_")}
        assert {f"{name}.{field}" for field in fields} <= words
    assert {field for field in dir(ParameterView) if not field.startswith("_")} <= words
    assert set(builtin_names()) <= words


def test_our_own_filters() -> None:
    from jinja2 import Environment

    ours = set(make_environment(TemplateLoader(DOCS)).filters) - set(Environment(autoescape=True).filters)
    assert ours == {"yaml", "text", "among"}
    assert ours <= in_code(page("templates.md"))


def test_every_variable_of_the_built_in_templates() -> None:
    words = in_code(page("templates.md"))
    for name in builtin_names():
        text = (ROOT / "templates" / f"{name}.yaml.j2").read_text(encoding="utf-8")
        assert set(re.findall(r"\bvars\.(\w+)", text)) <= words


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_a_token(form: str) -> None:
    assert f"$(WIDTH.{form})" in page("templates.md")
    assert f"$(NOTE.{form})" in page("values.md")


def test_every_argument_of_the_pgen() -> None:
    cut = Slice(start=0, nrows=1, offset=0, nbytes=1, sha256="0")
    baked = pargs_of(cut, csv="t.csv", index="id", shared=["a"], unsafe=True)
    pargs = {name.removeprefix("PARG_") for name in baked} | {*pgen.PUBLIC, *pgen.BAKED}
    assert pargs <= in_code(page("specs.md"))


def test_every_exported_name() -> None:
    assert set(genstudy.__all__) - {"__version__"} <= in_code(page("api.md"))


def test_the_layers_of_the_design() -> None:
    table = re.findall(r"^\| \d+ \|([^|]+)\|", page("design.md"), re.MULTILINE)
    assert [name for names in table for name in re.findall(r"`(\w+)`", names)] == list(LAYERS)


def anchor(heading: str) -> str:
    """Return the anchor that a heading gets on a page."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("path", ALL_PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path: Path) -> None:
    for link in LINK.findall(path.read_text(encoding="utf-8")):
        if link.startswith("https://"):
            continue
        file, _, place = link.partition("#")
        target = path.parent / file if file else path
        assert target.exists(), link
        if place:
            headings = HEADING.findall(FENCED.sub("", target.read_text(encoding="utf-8")))
            assert place in map(anchor, headings), link


def test_every_page_is_reached_from_the_index() -> None:
    linked = set(LINK.findall(page("index.md")))
    assert {str(path.relative_to(DOCS)) for path in DOCS.rglob("*.md")} - {"index.md"} <= linked


def test_there_is_one_picture_and_it_is_there() -> None:
    pictures = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert pictures == ["docs/images/flow.svg"]
    picture = ET.parse(ROOT / pictures[0])
    assert {"genstudy csv", "genstudy specs", "genstudy run"} <= set(picture.getroot().itertext())


@pytest.mark.parametrize("path", PAGES_TO_RUN, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_a_page_shows_happens(
    path: Path, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = str(path.relative_to(DOCS if path.is_relative_to(DOCS) else ROOT))
    if name in PAGES_WITH_SLURM:
        request.getfixturevalue("slurm")
    if name in PAGES_WITH_POSTGRESQL:
        monkeypatch.setenv("STUDIES", request.getfixturevalue("postgres").new_database())
    assert run_page(path.read_text(encoding="utf-8"), tmp_path) == []


def test_pages_of_words_alone_are_known() -> None:
    assert {path.name for path in PAGES} - {path.name for path in PAGES_TO_RUN} == {
        "design.md",
        "ledger.md",
        "maestro-traps.md",
        "releasing.md",
    }


def test_a_page_that_is_wrong_is_noticed(tmp_path: Path) -> None:
    right = "```console\n$ echo a b\na ...\n$ printf '1\\n2\\n3\\n'\n1\n...\n3\n```\n"
    assert run_page(right, tmp_path) == []
    session = "```pycon\n>>> 1 + 1\n3\n```\n"
    for wrong in (
        right.replace("a ...", "b ..."),
        right.replace("\n3\n", "\n4\n"),
        "```console\n$ false\n```\n",
        "```console fails\n$ true\n```\n",
        "```console\n$ echo a\na\nb\n```\n",
        session,
    ):
        assert len(run_page(wrong, tmp_path)) == 1, wrong


def test_what_is_not_run_is_what_the_rule_says() -> None:
    shown = "$ pip install . && genstudy demo\n$ pip install nox && nox\n$ nox -s bench\n$ pip install x\n"
    assert [command.text for command in commands_of(f"```console\n{shown}```\n")] == ["genstudy demo"]
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "$ pip install . && genstudy demo\n" in readme
    assert "$ pip install nox && nox\n" in readme
