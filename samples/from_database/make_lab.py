"""Makes lab.db, a SQLite database, from make_lab.sql."""

import sqlite3
from contextlib import closing
from pathlib import Path

with closing(sqlite3.connect("lab.db")) as lab:
    lab.executescript(Path(__file__).with_name("make_lab.sql").read_text())
