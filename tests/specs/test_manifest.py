"""The manifest: a public format that is stable, described, and read back."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import jsonschema  # type: ignore[import-untyped]
import pytest

import genstudy
from genstudy.errors import UserError
from genstudy.specs.manifest import Manifest, manifest_schema, read_manifest
from tests.specs.support import make, refusal

pytestmark = pytest.mark.usefixtures("in_tmp")


NEXT = ",\n"


def sha256(path: str) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def test_the_whole_text() -> None:
    make("id,a\nr0,1\nr1,µ\n", index="id", batch_size=1, name="beam", variables={"output_path": "./x"})
    data = Path("out/table.csv").read_bytes()
    entries = []
    for number, (start, end) in enumerate(((5, 10), (10, 16))):
        spec = f"beam_000{number}.yaml"
        slice_sha = hashlib.sha256(data[:5] + data[start:end]).hexdigest()
        entries.append(
            f'    {{"id": "000{number}", "spec": "{spec}", "start": {number}, "nrows": 1, "offset": {start}, '
            f'"nbytes": {end - start}, "sha256": "{slice_sha}", "spec_sha256": "{sha256("out/" + spec)}"}}'
        )
    template = json.loads(Path("out/manifest.json").read_text())["template"]["sha256"]
    assert Path("out/manifest.json").read_text() == (
        f"""{{
  "format": 1,
  "genstudy": "{genstudy.__version__}",
  "name": "beam",
  "table": {{
    "path": "table.csv",
    "sha256": "{sha256("out/table.csv")}",
    "nbytes": 16,
    "rows": 2,
    "columns": [
      "id",
      "a"
    ],
    "index": "id",
    "source": "t.csv",
    "query": null,
    "record": null
  }},
  "template": {{
    "name": "echo",
    "sha256": "{template}"
  }},
  "settings": {{
    "mode": "pgen",
    "start": 0,
    "rows": 2,
    "batch_size": 1,
    "variables": {{
      "output_path": "./x"
    }},
    "allow_missing": false,
    "allow_unsafe_values": false
  }},
  "steps": [
    {{
      "name": "echo-params",
      "runs": "row",
      "funnel": false,
      "mark": true,
      "before_rows": false
    }}
  ],
  "pgen_sha256": "{sha256("out/pgen.py")}",
  "run": null,
  "scheduler": null,
  "results": null,
  "batches": [
{NEXT.join(entries)}
  ]
}}
"""
    )


@pytest.mark.parametrize("inline", [False, True])
def test_it_is_what_its_schema_says_and_is_read_back(inline: bool) -> None:
    campaign = make(inline=inline, batch_size=3)
    text = Path("out/manifest.json").read_text()
    schema = manifest_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(json.loads(text))
    assert read_manifest(Path("out")) == campaign.manifest
    assert read_manifest(Path("out")).to_text() == text
    for batch in campaign.manifest.batches:
        assert sha256(f"out/{batch.spec}") == batch.spec_sha256


def test_every_field_is_described() -> None:
    for part in (manifest_schema(), *manifest_schema()["$defs"].values()):
        for name, field in part["properties"].items():
            assert "description" in field, name
    later = {"campaign", "run", "scheduler", "results"}
    assert {*manifest_schema()["required"], *later} == set(Manifest.model_fields)


def test_the_same_call_gives_the_same_bytes() -> None:
    make(batch_size=2)
    before = {path.name: path.read_bytes() for path in Path("out").iterdir()}
    make(batch_size=2, force=True)
    assert {path.name: path.read_bytes() for path in Path("out").iterdir()} == before


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data: data.pop("name"), "out/manifest.json: not a manifest: name: Field required"),
        (
            lambda data: data.update(format=2),
            "out/manifest.json: not a manifest: format: Input should be 1",
        ),
        (
            lambda data: data["table"].update(rows=0),
            "out/manifest.json: not a manifest: table.rows: Input should be greater than or equal to 1",
        ),
        (
            lambda data: data["batches"][0].update(more=1),
            "out/manifest.json: not a manifest: batches.0.more: Extra inputs are not permitted",
        ),
    ],
)
def test_a_manifest_that_is_none(change: object, message: str) -> None:
    make()
    data = json.loads(Path("out/manifest.json").read_text())
    change(data)  # type: ignore[operator]
    Path("out/manifest.json").write_text(json.dumps(data))
    assert refusal(lambda: read_manifest(Path("out"))) == message


def test_files_that_are_no_manifest() -> None:
    none = "not a campaign: it holds no manifest.json\n  genstudy specs makes one"
    Path("out").mkdir()
    assert refusal(lambda: read_manifest(Path("out"))) == f"out: {none}"
    assert refusal(lambda: read_manifest(Path("nowhere"))) == f"nowhere: {none}"
    Path("file").touch()
    assert refusal(lambda: read_manifest(Path("file"))) == f"file: {none}"
    Path("out/manifest.json").write_text("{")
    assert refusal(lambda: read_manifest(Path("out"))).startswith(
        "out/manifest.json: not a manifest: Invalid JSON"
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"id": "../0001"}, "batches.1.id: String should match pattern"),
        ({"id": "0000"}, "two batches have the id 0000"),
        ({"spec": "sub/t_0001.yaml"}, "batches.1.spec: String should match pattern"),
        ({"spec": "t_0000.yaml"}, "two batches have the spec t_0000.yaml"),
        ({"start": 0}, "batch 0001 begins at row 0, which is in the one before"),
        ({"nrows": 10**30}, "batches.1.nrows: "),
    ],
)
def test_batches_that_cannot_be(changes: dict[str, object], message: str) -> None:
    make("a\n1\n2\n", batch_size=1)
    path = Path("out/manifest.json")
    data = json.loads(path.read_text())
    data["batches"][1].update(changes)
    path.write_text(json.dumps(data))
    with pytest.raises(UserError) as caught:
        read_manifest(Path("out"))
    assert str(caught.value).startswith(f"{path}: not a manifest: {message}")


def test_a_campaign_without_batches_is_none() -> None:
    make("a\n1\n2\n", batch_size=1)
    path = Path("out/manifest.json")
    path.write_text(json.dumps({**json.loads(path.read_text()), "batches": []}))
    with pytest.raises(UserError, match="manifest: batches"):
        read_manifest(Path("out"))
