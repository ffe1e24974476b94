"""Batches as jobs: a campaign handed to a scheduler in waves, run by their tasks, and taken back."""
