"""The folders of a campaign in which the files of its batches are."""

RUNS = "runs"
ARCHIVE = "archive"
BESIDE_STUDIES = ("", ".log", ".rows")
"""A study's folder, what Maestro printed, and the list of its rows."""
