"""The page of templates: what they see, their filters and macros, tokens, and the built-in ones."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

from jinja2 import Environment

from docs.generator.markdown import code, doc, page, prose, table
from docs.generator.source import fields_of
from genstudy.maestro.specs import OWN_TOKENS
from genstudy.parameters.names import ROW_ID
from genstudy.rendering.context import BatchView, ParameterView, StudyView, TableView, base_context
from genstudy.rendering.jobs import JobView
from genstudy.rendering.loader import TemplateLoader, make_environment, variables_of
from genstudy.rendering.macros import ARGUMENT_STYLES, Macros
from genstudy.rendering.templates import builtin_names, find_template
from genstudy.rendering.tokens import FORMS

ABOUT = """\
What a study template may use. With examples: [templates](../templates.md), and [values](../values.md) for
which form is safe where."""
VIEWS = {
    "study": StudyView,
    "batch": BatchView,
    "table": TableView,
    "params": ParameterView,
    "scheduler": JobView,
}
OTHERS = {
    "row_id": "the token of the row's id",
    "row_label": "the token of the row's label, `row_` and the id",
    "vars": "what `--set NAME=VALUE` gave, as `vars.NAME`; one that was not set is an error: "
    '`vars.NAME | default("x")`',
}
TOKENS = {
    "WORKSPACE": "the folder that Maestro makes for this step of this row",
    "LAUNCHER": "the command that starts a parallel program in a job, such as `srun -n 4`",
    "OUTPUT_PATH": "the study's variable of this name: where Maestro makes the studies' folders",
    "SPECROOT": "the folder of the specification, which is the campaign's",
}


def templates_page() -> str:
    """Return the page."""
    return page(
        "Names, macros and tokens of templates",
        ABOUT,
        f"## Names\n\n{_names()}",
        f"## Filters\n\n{_filters()}",
        f"## Macros\n\n{_macros()}",
        f"## Tokens\n\n{_tokens()}",
        f"## Built-in templates\n\n{_builtin()}",
    )


def _names() -> str:
    known = {"study", "batch", "table", *base_context([], {})}
    if known != {*VIEWS, *OTHERS}:
        raise ValueError(
            f"names that templates see, and nobody tells what they are: {known ^ {*VIEWS, *OTHERS}}"
        )
    told = {
        "params": "The parameters, in the table's order. Each has:",
        "scheduler": f"{doc(JobView)} None where there is none.",
    }
    sections = []
    for name, view in VIEWS.items():
        before = "" if name == "params" else f"{name}."
        rows = [[code(before + field), prose(text)] for field, text in fields_of(view).items()]
        sections.append(f"### {name}\n\n{prose(told.get(name, doc(view)))}\n\n{table(['name', 'is'], rows)}")
    rows = [[code(name), prose(text)] for name, text in OTHERS.items()]
    return "\n\n".join([*sections, f"### Others\n\n{table(['name', 'is'], rows)}"])


def _filters() -> str:
    ours = make_environment(TemplateLoader(Path())).filters
    rows = [
        [code(name), prose(doc(function))]
        for name, function in ours.items()
        if name not in Environment(autoescape=True).filters
    ]
    return f"{table(['filter', 'gives'], rows)}\n\nJinja's own are there too."


def _macros() -> str:
    macros = Macros([], str, None)
    rows = [
        [code(name + _signature(call)), prose(doc(call, whole=True))]
        for name, call in macros.exported().items()
    ]
    styles = [[code(style), code(form)] for style, form in ARGUMENT_STYLES.items()]
    named = table(["style of `arguments`", "a parameter"], styles)
    return f"{table(['macro', 'gives'], rows)}\n\n{named}"


def _signature(function: Any) -> str:
    shown = [parameter.replace(annotation=inspect.Parameter.empty) for parameter in _parameters(function)]
    return str(inspect.Signature(shown))


def _parameters(function: Any) -> list[inspect.Parameter]:
    return list(inspect.signature(function).parameters.values())


def _tokens() -> str:
    if set(TOKENS) != OWN_TOKENS:
        raise ValueError(f"tokens of Maestro that nobody tells of: {set(TOKENS) ^ OWN_TOKENS}")
    rows = [
        [code("$(WIDTH)"), "the value of the column `width`, as it is"],
        *([code(f"$(WIDTH.{form})"), prose(text)] for form, text in FORMS.items()),
        [code(f"$({ROW_ID})"), "the row's id, which never changes"],
        [
            code("$(step.workspace)"),
            "the folder of another step: of the same row, or of all its rows for a step over them",
        ],
        *([code(f"$({token})"), prose(text)] for token, text in TOKENS.items()),
        [code("$(NAME)"), "a variable of the specification's `env:` block"],
    ]
    return table(["token", "becomes"], rows)


def _builtin() -> str:
    sections = []
    for name in builtin_names():
        source = find_template(name)
        summary, _, rest = "\n".join(source.leading_comment()).partition("\n\n")
        variables = variables_of(make_environment(TemplateLoader(source.file)), source.file.name) or set()
        listed = ", ".join(code(variable) for variable in sorted(variables))
        about = f"{prose(' '.join(summary.split()))} Its variables: {listed}."
        sections.append(f"### {name}\n\n{about}\n\n```text\n{rest.strip()}\n```")
    return "\n\n".join(sections)
