"""Schedulers of clusters: what a job array asks for, and the commands that submit and watch it."""
