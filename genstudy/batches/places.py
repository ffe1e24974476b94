"""Where in a campaign the files of its batches are, and their results."""

RUNS = "runs"
ARCHIVE = "archive"
RESULTS_FILE = "results.db"
BESIDE_STUDIES = ("", ".log", ".rows")
"""A study's folder, what Maestro printed, and the list of its rows."""
