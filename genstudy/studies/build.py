"""A campaign from a study file: the table and the specs in one call."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from genstudy.designs.axes import make_axes
from genstudy.designs.choose import parse_design
from genstudy.designs.copula import make_copula
from genstudy.errors import UserError
from genstudy.files import named_errors, whole_file
from genstudy.parameters.expressions import parse_derivation, parse_expression
from genstudy.parameters.grammar import parse_law, parse_parameter
from genstudy.parameters.groups import parse_groups
from genstudy.parameters.laws import Parameter
from genstudy.parameters.names import check_names
from genstudy.rendering.templates import find_template
from genstudy.specs.batches import check_campaign_name, check_sizes, equal_batches, whole_blocks
from genstudy.specs.jobs import job_view
from genstudy.specs.make import Campaign, campaign_target, write_campaign
from genstudy.specs.options import Options
from genstudy.specs.scheduler import choose_scheduler
from genstudy.studies.model import TABLE_KEYS
from genstudy.studies.origin import find_origin, origin_mistake
from genstudy.studies.places import Places
from genstudy.studies.read import read_study
from genstudy.tables.make import make_table
from genstudy.tables.query import open_source
from genstudy.tables.record import read_record

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from genstudy.specs.manifest import Manifest
    from genstudy.specs.scheduler import SchedulerSettings
    from genstudy.studies.model import Study, StudyFile
    from genstudy.tables.read import Query
    from genstudy.tables.record import TableRecord

EXCLUSIVE = (("batch_size", "batches"), ("batches", "batch_size"))


def build_study(
    study_file: str | Path,
    *,
    parameters: Sequence[str] = (),
    settings: Mapping[str, Any] | None = None,
    scheduler: str | None = None,
    job: Sequence[str] = (),
    force: bool = False,
    dry_run: bool = False,
    progress: Callable[[int, int], None] | None = None,
    note: Callable[[str], None] | None = None,
) -> Campaign:
    """Make the campaign that a study file describes.

    study_file: YAML with the keys of Study. parameters: `NAME` or `NAME=LAW`, in place of the file's or
    besides them. settings: values for the file's keys, which win over it (`set` is merged). scheduler, job:
    the scheduler's type, and `KEY=VALUE` of its settings, which win over the file's.
    force, dry_run: as in make_specs. progress, note: as in make_table.
    UserError for anything wrong, before the campaign's folder appears.
    """
    found = read_study(Path(study_file))
    study = _with_settings(found.study, settings or {})
    places = Places(found, frozenset(settings or {}))
    name = study.name or found.path.name.split(".")[0]
    with places.key("name"):
        check_campaign_name(name)
    output = Path(study.output or name)
    _check_origin(study, parameters, places)
    columns = _parameters(found, parameters)
    _check(study, columns, places)
    chosen = choose_scheduler(study.scheduler, scheduler, job)
    with places.key("scheduler"):
        job_view(chosen)
    options = _options(study, name, found.path, places, chosen)
    if not study.parameters:
        origin = find_origin(study, found.path.parent, places)
        with campaign_target(output, force=force, dry_run=dry_run) as folder:
            manifest, warnings = _write_found(origin, study, folder, options, places, progress=progress)
        return Campaign(folder=output, manifest=manifest, warnings=warnings)
    with (
        campaign_target(output, force=force, dry_run=dry_run) as folder,
        TemporaryDirectory(dir=folder, prefix=".table-") as workplace,
    ):
        table = Path(workplace) / f"{name}.csv"
        with places.table(table, output), places.whole_file(*TABLE_KEYS):
            record = _make_table(study, columns, table, progress=progress, note=note)
        _check_batches(study, record.rows, record.block, places)
        with places.table(table, output), places.key("set", "template"):
            manifest, warnings = write_campaign(table, folder, options, source=str(study_file))
    return Campaign(folder=output, manifest=manifest, warnings=warnings)


def _write_found(
    origin: Path | Query,
    study: Study,
    folder: Path | None,
    options: Options,
    places: Places,
    *,
    progress: Callable[[int, int], None] | None,
) -> tuple[Manifest, tuple[str, ...]]:
    """Write the campaign of a table or query that a study file names."""
    with ExitStack() as stack:
        with places.key("table", "query"):
            table = stack.enter_context(open_source(origin, folder))
        if study.batches is not None or study.batch_size is not None:
            record = read_record(table.path)
            rows = table.count_rows() if study.batches is not None else 0
            _check_batches(study, rows, record.block if record else 1, places)
        with places.key("set", "template"):
            return write_campaign(table, folder, options, source=str(places.file.path), progress=progress)


def _check_batches(study: Study, rows: int, block: int, places: Places) -> None:
    """Refuse batches that the rows cannot be cut into, while it is known which key says so."""
    if study.batches is not None:
        with places.key("batches"):
            equal_batches(rows, study.batches, block=block)
    elif study.batch_size is not None:
        with places.key("batch_size"):
            whole_blocks(study.batch_size, block)


def _check_origin(study: Study, parameters: Sequence[str], places: Places) -> None:
    """Refuse rows from two places, now that options were put into the file."""
    mistake = origin_mistake(study)
    if mistake is not None:
        key, problem = mistake
        with places.key(key):
            raise problem
    if parameters and not study.parameters:
        raise UserError(
            f"'{parameters[0]}' is a parameter, and the rows are those of a table or query",
            where=str(places.file.path),
        )


def _make_table(
    study: Study,
    parameters: Sequence[Parameter],
    table: Path,
    *,
    progress: Callable[[int, int], None] | None,
    note: Callable[[str], None] | None,
) -> TableRecord:
    return make_table(
        parameters,
        output=table,
        rows=study.rows,
        design=study.design,
        seed=study.seed,
        groups=study.groups,
        correlate=study.correlate,
        order=study.order,
        replicates=study.replicates,
        index=study.index,
        digits=study.round,
        where=study.where,
        exclude=study.exclude,
        derive=[f"{column} = {formula}" for column, formula in study.derive.items()],
        unique=study.unique,
        progress=progress,
        note=note,
    )


def _check(study: Study, parameters: Sequence[Parameter], places: Places) -> None:
    """Refuse what can be told to be wrong with one key, while it is known which."""
    with places.key("batches"):
        check_sizes(study.batch_size, study.batches)
    names = [parameter.name for parameter in parameters]
    with places.key("parameters"):
        check_names(names)
    with places.key("design"):
        parse_design(study.design)
    for place, group in enumerate(study.groups):
        with places.key(f"groups.{place}", "groups"):
            parse_groups([group], names)
    if study.correlate:
        _check_correlations(study, parameters, places)
    index = [] if study.index is None else [study.index]
    with places.key("index"):
        check_names([*index, *names])
    for column, formula in study.derive.items():
        with places.key(f"derive.{column}"):
            parse_derivation(f"{column} = {formula}", names)
            names.append(column)
            check_names([*index, *names])
    for key, conditions in (("where", study.where), ("exclude", study.exclude)):
        for place, condition in enumerate(conditions):
            with places.key(f"{key}.{place}", key):
                parse_expression(condition, names)


def _check_correlations(study: Study, parameters: Sequence[Parameter], places: Places) -> None:
    """Refuse a pair that cannot be, and pairs that cannot be together."""
    with places.key("groups"):
        axes = make_axes(parameters, parse_groups(study.groups, [parameter.name for parameter in parameters]))
    for place, pair in enumerate(study.correlate):
        with places.key(f"correlate.{place}", "correlate"):
            make_copula(axes, [pair])
    with places.key("correlate"):
        make_copula(axes, study.correlate)


def _with_settings(study: Study, settings: Mapping[str, Any]) -> Study:
    changes = dict(settings)
    for key, other in EXCLUSIVE:
        if changes.get(key) is not None and other not in changes:
            changes[other] = None
    if "set" in changes:
        changes["set"] = {**study.set, **changes["set"]}
    return study.model_copy(update=changes)


def _parameters(found: StudyFile, texts: Sequence[str]) -> list[Parameter]:
    merged: dict[str, Parameter] = {}
    for name, law in found.study.parameters.items():
        try:
            merged[name] = Parameter(name=name, law=parse_law(law)) if law else parse_parameter(name)
        except UserError as problem:
            problem.where = f"{found.path}, line {found.lines[f'parameters.{name}']}, parameter {name}"
            raise
    merged.update({parameter.name: parameter for parameter in map(parse_parameter, texts)})
    return list(merged.values())


def _options(
    study: Study, name: str, path: Path, places: Places, scheduler: SchedulerSettings | None
) -> Options:
    beside = path.parent / study.template
    template = beside if beside.is_file() else study.template
    with places.key("template"):
        find_template(template)
    return Options(
        template=template,
        batch_size=study.batch_size,
        batches=study.batches,
        index=None if study.parameters else study.index,
        name=name,
        variables=study.set,
        inline=study.inline,
        allow_missing=study.allow_missing,
        allow_unsafe_values=study.allow_unsafe_values,
        run=study.run,
        scheduler=scheduler,
        results=study.results,
        functions=path.parent,
        folder=path.parent,
    )


def init_study(path: str | Path, *, force: bool = False) -> Path:
    """Write a commented study file to start from, and return its path."""
    path = Path(path)
    with named_errors(path), whole_file(path, force=force) as stream:
        stream.write(Path(__file__).with_name("study.yaml").read_bytes())
    return path
