"""What is checked before anything lands: `nox` runs lint, types and tests; `nox -s bench` the benchmarks."""

import nox

nox.options.sessions = ["lint", "types", "tests"]
nox.options.default_venv_backend = "venv"

TEST_PACKAGES = (
    "pytest>=8",
    "pytest-cov>=6",
    "pytest-xdist>=3.6",
    "hypothesis>=6.100",
    "selenium>=4.20",
    "duckdb-engine>=0.17",
    "pg8000>=1.31",
)


@nox.session
def lint(session: nox.Session) -> None:
    session.install("ruff>=0.9")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def types(session: nox.Session) -> None:
    session.install(".[postgresql]", "mypy>=1.14", "scipy-stubs", "types-PyYAML", "nox", *TEST_PACKAGES)
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
