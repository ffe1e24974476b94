"""Campaigns looked at: their status, failed rows, the files of rows, and whether all of it is there."""
