"""What Maestro would take without a word, and genstudy refuses."""

from __future__ import annotations

import pytest

from genstudy.rendering.checks import check_lengths
from genstudy.rendering.quoting import Place
from genstudy.rendering.tokens import Use
from tests.rendering.support import NAMES, checked, refusal, spec

KNOWN = (
    "\n  known are: $(HEIGHT), $(LAUNCHER), $(MATERIAL), $(OUTPUT_PATH), $(ROW_ID), $(SPECROOT), $(WIDTH), "
    "$(WORKSPACE); for text that is no token write {{ literal("
)
UNKNOWN = "is neither a parameter, a variable nor a step's workspace"


def more_step(name: str, cmd: str = "ls", depends: str = "") -> str:
    text = f"  - name: {name}\n    description: nothing\n    run:\n      cmd: {cmd}\n"
    return text + (f"      depends: [{depends}]\n" if depends else "")


@pytest.mark.parametrize(
    "cmd",
    [
        "$(WIDTH) $(HEIGHT.quoted) $(MATERIAL.json) $(WIDTH.label) $(WIDTH.name)",
        "$(WIDTH) $(ROW_ID) $(ROW_ID.label)",
        "$(WIDTH) $(WORKSPACE) $(LAUNCHER) $(SPECROOT) $(OUTPUT_PATH)",
        "$(WIDTH) $(date +%s) $(date) $(hostname) $(nproc) $(basename $PWD) $(cat a | wc) $(< file)",
        "$(WIDTH) $((1 + 2)) ${HOME} $HOME `date` ${#list[@]} $( width )",
    ],
)
def test_tokens_and_shell_substitutions_that_are_fine(cmd: str) -> None:
    assert checked(spec(f"echo {cmd}")).spec.name == "study"


@pytest.mark.parametrize(
    ("cmd", "message"),
    [
        ("$(WIDTH) $(NOPE)", f'$(NOPE) {UNKNOWN}{KNOWN}"NOPE") }}}}'),
        ("$(WIDHT)", f"$(WIDHT) {UNKNOWN} (did you mean 'WIDTH'?){KNOWN}\"WIDHT\") }}}}"),
        ("$(WORKSPASE)", f"$(WORKSPASE) {UNKNOWN} (did you mean 'WORKSPACE'?){KNOWN}\"WORKSPASE\") }}}}"),
        (
            "$(width)",
            (
                "$(width): the token of 'width' is $(WIDTH)\n"
                "  write $(WIDTH); for the shell's own command write a space: $( width )"
            ),
        ),
        (
            "$(Width.quoted)",
            (
                "$(Width.quoted): the token of 'Width' is $(WIDTH)\n"
                "  write $(WIDTH); for the shell's own command write a space: $( Width.quoted )"
            ),
        ),
        (
            "$(widht)",
            "$(widht): did you mean $(WIDTH)?\n  for the shell's own command write a space: $( widht )",
        ),
        (
            "$(WIDTH.quotd)",
            (
                "$(WIDTH.quotd): a parameter has no form 'quotd' (did you mean 'quoted'?)\n"
                "  forms are: quoted, json, label, name"
            ),
        ),
        (
            "$(ROW_ID.foo)",
            "$(ROW_ID.foo): a parameter has no form 'foo'\n  forms are: quoted, json, label, name",
        ),
        (
            "$(one.workspce)",
            "$(one.workspce): a step has no form 'workspce'\n  write $(one.workspace)",
        ),
        (
            "$(one.work)",
            "$(one.work): a step has no form 'work'\n  write $(one.workspace)",
        ),
        (
            "$(WIDTH:quoted)",
            "$(WIDTH:quoted): a parameter has no form ':quoted'\n  forms are: quoted, json, label, name",
        ),
        (
            "$(WIDTH/2)",
            "$(WIDTH/2): a parameter has no form '/2'\n  forms are: quoted, json, label, name",
        ),
        (
            "$(on.workspace)",
            "$(on.workspace): there is no step 'on' (did you mean 'one'?)\n  steps are: one",
        ),
    ],
)
def test_tokens_that_have_no_value(cmd: str, message: str) -> None:
    assert refusal(lambda: checked(spec(f"echo {cmd}"))) == f"spec, step 'one', cmd: {message}"


@pytest.mark.parametrize("word", ["Data_Dir", "data_dir", "DATA_DIR", "daTA_dir"])
def test_variables_in_another_case(word: str) -> None:
    text = spec(f"echo $(WIDTH) $({word})", variables="    Data_Dir: /data\n")
    if word == "Data_Dir":
        assert checked(text).spec.variables
    else:
        assert "$(Data_Dir)" in refusal(lambda: checked(text)).split("\n")[-1]


def test_tokens_are_looked_for_in_every_entry_of_a_step() -> None:
    text = spec("echo $(WIDTH)", more="      restart: echo $(NOPE)\n")
    message = f'$(NOPE) {UNKNOWN}{KNOWN}"NOPE") }}}}'
    assert refusal(lambda: checked(text)) == f"spec, step 'one', restart: {message}"
    text = spec("echo $(WIDTH)").replace("    description: nothing", "    description: run $(NOPE)")
    assert refusal(lambda: checked(text)) == f"spec, step 'one', description: {message}"


def test_a_long_list_of_known_names_is_cut() -> None:
    names = [f"p{number:02}" for number in range(30)]
    message = refusal(lambda: checked(spec("echo $(NOPE)"), names=names))
    assert "$(P07), $(P08), $(P09), ...; for text that is no token" in message


def test_a_command_beside_a_parameter_of_its_name() -> None:
    assert refusal(lambda: checked(spec("echo $(DATE) $(date)"), names=["date"])) == (
        "spec, step 'one', cmd: $(date): the token of 'date' is $(DATE)\n"
        "  write $(DATE); for the shell's own command write a space: $( date )"
    )
    checked(spec("echo $(DATE) $( date) $(date +%s)"), names=["date"])


def test_what_is_found_about_the_use_of_parameters() -> None:
    found = checked(
        spec(
            "echo $(WIDTH.quoted) $(ROW_ID) $(HEIGHT.label)",
            more=more_step("two", "echo $(HEIGHT.quoted) $(one.workspace)", "one"),
        )
    )
    assert found.uses == {
        "one": {
            Use("WIDTH", "quoted", Place.WORDS),
            Use("ROW_ID", "", Place.WORDS),
            Use("HEIGHT", "label", Place.WORDS),
        },
        "two": {Use("HEIGHT", "quoted", Place.WORDS)},
    }
    assert found.exposed(NAMES) == {"height": "a bare $(HEIGHT.label)"}
    assert found.unused(NAMES) == ["material"]
    assert found.uses_row_id


@pytest.mark.parametrize(
    ("cmd", "use"),
    [
        ("echo $(WIDTH)", "a bare $(WIDTH)"),
        ("echo '$(WIDTH)'", "a bare $(WIDTH)"),
        ('echo "$(WIDTH.quoted)"', "$(WIDTH.quoted) in double quotes"),
        ("echo '$(WIDTH.quoted)'", "$(WIDTH.quoted) in single quotes"),
        ("cat << END\n$(WIDTH.quoted)\nEND", "$(WIDTH.quoted) in a here-document"),
        ("cat << END\n$(WIDTH.json)\nEND", "$(WIDTH.json) in a here-document"),
        ("echo $(WIDTH.json)", "$(WIDTH.json) in words"),
        ("echo $(WIDTH.quoted)", None),
        ("echo x$(WIDTH.quoted)'y'$(WIDTH.quoted)", None),
        ("echo '$(WIDTH.json)'", None),
        ("cat << 'END'\n$(WIDTH.json)\nEND", None),
        ("echo $(WIDTH.name) $(ROW_ID)", None),
    ],
)
def test_uses_whose_value_a_shell_would_read(cmd: str, use: str | None) -> None:
    assert checked(spec(cmd)).exposed(NAMES) == ({} if use is None else {"width": use})


def test_no_step_uses_a_parameter() -> None:
    assert refusal(lambda: checked(spec("echo hello"))) == (
        "spec: no step uses a parameter, so nothing would be run for each row\n"
        "  use the parameters in a step, such as $(WIDTH.quoted)"
    )


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        (
            "    WIDTH: x\n",
            (
                "$(WIDTH) is a variable of the template and the parameter 'width' of the table: Maestro "
                "would use the variable in every row\n  rename one of them"
            ),
        ),
        ("    PARG_X: x\n", "the variable PARG_X has a name that is taken\n  rename the variable"),
        ("    ROW_ID: x\n", "the variable ROW_ID has a name that is taken\n  rename the variable"),
        ("    LAUNCHER: x\n", "the variable LAUNCHER has a name that is taken\n  rename the variable"),
        ("    WORKSPACE: x\n", "the variable WORKSPACE has a name that is taken\n  rename the variable"),
    ],
)
def test_variables_that_collide(variables: str, message: str) -> None:
    text = spec("echo $(WIDTH)", variables=variables)
    assert refusal(lambda: checked(text)) == f"spec: {message}"


def test_labels_and_dependencies_are_variables_too() -> None:
    text = spec("echo $(WIDTH) $(HELLO)", variables="    A: x\n")
    labels = text.replace("study:\n", "  labels:\n    HELLO: $(A)\nstudy:\n")
    assert set(checked(labels).spec.variables) == {"A", "HELLO"}
    collides = text.replace("study:\n", "  labels:\n    WIDTH: $(A)\nstudy:\n").replace("$(HELLO)", "")
    assert "$(WIDTH) is a variable of the template" in refusal(lambda: checked(collides))
    path = text.replace(
        "study:\n", "  dependencies:\n    paths:\n    - name: HELLO\n      path: /tmp\nstudy:\n"
    )
    assert set(checked(path).spec.variables) == {"A", "HELLO"}


@pytest.mark.parametrize(
    "variables",
    [
        "    A: x\n    B: y$(A)\n",
        "    B: y$(A)\n    A: x\n",
        "    A: x\n    C: $(B)\n    B: y$(A)\n",
        "    B: y$(A)\n    A: x\n    C: $(B)\n",
        "    OUTPUT_PATH: ./x\n    A: $(OUTPUT_PATH)/y\n",
        "    A: $(WIDTH)\n",
    ],
)
def test_variables_that_use_each_other(variables: str) -> None:
    cmd = "echo $(WIDTH) " + " ".join(f"$({line.split(':')[0].strip()})" for line in variables.splitlines())
    text = checked(spec(cmd, variables=variables)).spec.steps[0].texts["cmd"]
    assert "$(A)" not in text
    assert "$(B)" not in text


def test_variables_in_an_order_that_maestro_leaves_unreplaced() -> None:
    text = spec("echo $(WIDTH) $(C)", variables="    A: x\n    B: y$(A)\n    C: z$(B)\n")
    assert refusal(lambda: checked(text)) == (
        "spec, step 'one', cmd: $(B) stays as it is: a variable that uses it comes before it\n"
        "  move B to the top of env: variables"
    )
    checked(spec("echo $(WIDTH) $(C)", variables="    B: y$(A)\n    A: x\n    C: z$(B)\n"))


def test_steps_and_their_names() -> None:
    twice = spec("echo $(WIDTH)", more=more_step("one"))
    assert refusal(lambda: checked(twice)) == (
        "spec, step 'one': two steps have this name, and Maestro would drop the second\n  rename one of them"
    )
    for name, mark in (("a_row_b", "_row_"), ("a_shared_b", "_shared_")):
        assert refusal(lambda name=name: checked(spec("echo $(WIDTH)", step=name))) == (  # type: ignore[misc]
            f"spec, step '{name}': a step's name cannot hold '{mark}': row folders are told apart by it\n"
            "  rename the step"
        )
    assert refusal(lambda: checked(spec("echo $(WIDTH)", step="a/b"))) == (
        "spec, step 'a/b': the name has '/', which cannot stand in a folder's name\n"
        "  use letters, digits, dots, dashes and underscores"
    )
    assert refusal(lambda: checked(spec("echo $(WIDTH)", name="a/b*"))) == (
        "spec: the study's name 'a/b*' has '*', '/', which cannot stand in a file name\n"
        "  use letters, digits, spaces, dots, dashes and underscores"
    )


@pytest.mark.parametrize("needed", ["oen", "oen_*", '"oen*"'])
def test_steps_that_depend_on_none(needed: str) -> None:
    text = spec("echo $(WIDTH)", more=more_step("two", depends=needed))
    shown = needed.strip('"')
    assert refusal(lambda: checked(text)) == (
        f"spec, step 'two': it depends on '{shown}', and there is no such step (did you mean 'one'?)\n"
        "  steps are: one, two"
    )


def test_steps_that_depend_on_others() -> None:
    for needed in ("one", "one_*"):
        checked(spec("echo $(WIDTH)", more=more_step("two", depends=needed)))


NEEDS_A_ROW = (
    "it is marked as shared, but needs a row of its own: it uses $(ROW_ID), or a step that runs once a row\n"
    "  take shared() away, or that use"
)


@pytest.mark.parametrize(
    ("cmd", "more", "shared", "message"),
    [
        ("$(WIDTH)", "", ["on"], "step 'on': shared(): there is no such step (did you mean 'one'?)"),
        (
            "$(WIDTH)",
            more_step("two"),
            ["two"],
            (
                "step 'two': it is marked as shared, but uses no parameter: it runs once a batch anyway\n"
                "  take shared() away"
            ),
        ),
        ("$(WIDTH) $(ROW_ID)", "", ["one"], f"step 'one': {NEEDS_A_ROW}"),
        ("$(WIDTH)", more_step("two", "$(HEIGHT)", "one"), ["two"], f"step 'two': {NEEDS_A_ROW}"),
        (
            "$(WIDTH)",
            more_step("two", "$(HEIGHT) $(one.workspace)", "one"),
            ["two"],
            f"step 'two': {NEEDS_A_ROW}",
        ),
        (
            "$(WIDTH)",
            more_step("two", "ls", "one") + more_step("three", "$(HEIGHT)", "two"),
            ["three"],
            f"step 'three': {NEEDS_A_ROW}",
        ),
    ],
)
def test_shared_steps_that_cannot_be(cmd: str, more: str, shared: list[str], message: str) -> None:
    text = spec(f"echo {cmd}", more=more)
    assert refusal(lambda: checked(text, shared=shared)) == f"spec, {message}"


def test_shared_steps_that_can_be() -> None:
    checked(spec("echo $(WIDTH)"), shared=["one"])
    checked(spec("echo $(WIDTH)", more=more_step("two", "$(HEIGHT)", "one")), shared=["one", "two"])
    checked(spec("echo $(WIDTH)", more=more_step("two", "$(HEIGHT)", "one_*")), shared=["two"])


def test_a_template_has_no_parameters_of_its_own() -> None:
    text = spec("echo $(WIDTH)") + "global.parameters:\n  X:\n    values: [1]\n    label: X.%%\n"
    assert refusal(lambda: checked(text)) == (
        "spec: the template has a global.parameters block of its own, which would hide the table's\n"
        "  take it out: the parameters come from the table"
    )


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (spec("echo $(WIDTH)").replace("run:", "rum:"), None),
        ("description: {name: a, description: b}\n", "A study specification MUST contain at least one step"),
        ("study: []\n", "the key 'description' is missing"),
        (spec("echo $(WIDTH)", more="      walltime: true\n"), "The value 'True' in field run.walltime"),
        (spec("echo $(WIDTH)", variables="    A: ~\n"), "The value 'None' in field variables.A of env"),
    ],
)
def test_what_maestro_refuses(text: str, reason: str | None) -> None:
    message = refusal(lambda: checked(text))
    start = "spec: Maestro does not accept the specification: "
    assert message.startswith(start + (reason or ""))
    assert message.endswith("\n  mend the template")


def test_values_that_yaml_would_change_are_told_first() -> None:
    text = spec("echo $(WIDTH)", more="      walltime: 1:30:00\n")
    assert refusal(lambda: checked(text)) == (
        "spec, line 10: walltime: 1:30:00: YAML 1.1 reads 1:30:00 as 5400\n"
        '  put it in quotes: "1:30:00" (in a template: {{ value | yaml }})'
    )
    checked(spec("echo $(WIDTH)", more='      walltime: "1:30:00"\n      procs: 4\n'))


def test_names_that_are_too_long_for_a_file() -> None:
    fits = checked(spec("echo $(WIDTH)", step="x" * 200)).spec
    check_lengths(fits, 42, where="spec")
    step = "x" * 200
    assert refusal(lambda: check_lengths(fits, 43, where="spec")) == (
        f"spec, step '{step}': the name and the longest row label have 243 characters together\n"
        "  file names hold both, 242 at most: shorten the step's name or the row ids"
    )


@pytest.mark.parametrize(
    ("step", "more", "message"),
    [
        ("a", more_step("a_row", "$(WIDTH)"), "step 'a_row': a step's name cannot hold '_row_'"),
        ("a", more_step("a_shared", "$(WIDTH)"), "step 'a_shared': a step's name cannot hold '_shared_'"),
        (
            "a b",
            more_step("a_b", "$(WIDTH)"),
            "step 'a b': this step and 'a_b' would run in one folder, 'a_b'",
        ),
        (".", "", "step '.': a step's folder cannot have this name"),
        ('".."', "", "step '..': a step's folder cannot have this name"),
        ("meta", "", "step 'meta': a step's folder cannot have this name"),
        ("status.csv", "", "step 'status.csv': a step's folder cannot have this name"),
    ],
)
def test_steps_whose_folders_would_mix(step: str, more: str, message: str) -> None:
    text = spec("echo $(WIDTH)", step=step, more=more)
    assert refusal(lambda: checked(text)).startswith(f"spec, {message}")


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (
            more_step("two", "ls $(one.workspace)"),
            (
                "spec, step 'two': it uses $(one.workspace), and nothing says that 'one' comes first\n"
                "  write depends: [one]"
            ),
        ),
        (
            more_step("two", "ls $(two.workspace)", "one"),
            (
                "spec, step 'two': it uses $(two.workspace), and nothing says that 'two' comes first\n"
                "  write $(WORKSPACE)"
            ),
        ),
        (
            more_step("two", "ls", "two"),
            "spec, step 'two': it depends on itself\n  take that out of depends:",
        ),
        (
            more_step("two", "ls", "three") + more_step("three", "ls", "two"),
            "spec: Maestro finds no order for the steps: ",
        ),
    ],
)
def test_steps_that_cannot_come_one_after_the_other(more: str, message: str) -> None:
    assert refusal(lambda: checked(spec("echo $(WIDTH)", more=more))).startswith(message)


def test_a_funnel_on_a_step_it_also_depends_on_runs_once_a_row() -> None:
    found = checked(spec("echo $(WIDTH)", more=more_step("two", "ls", 'one, "one_*"')))
    assert found.runs == {"one": "row", "two": "row"}
    described = more_step("two", "ls").replace("nothing", "of $(one.workspace)")
    assert checked(spec("echo $(WIDTH)", more=described)).runs == {"one": "row", "two": "batch"}


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        (
            "batch: {type: slurm, bank: $(WIDTH)}\n",
            "spec: batch: bank uses $(WIDTH), and parameters are put ",
        ),
        (
            "env: {variables: {OUTPUT_PATH: ./runs/$(WIDTH)}}\n",
            "spec: OUTPUT_PATH uses $(WIDTH), and parameters ",
        ),
    ],
)
def test_parameters_outside_the_steps(extra: str, message: str) -> None:
    assert refusal(lambda: checked(spec("echo $(WIDTH)") + extra)).startswith(message)
