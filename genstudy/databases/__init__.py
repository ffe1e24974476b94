"""Databases as they are named and opened, with nobody's password in any message."""
