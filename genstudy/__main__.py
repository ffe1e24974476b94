"""Run the command line as `python -m genstudy`."""

from genstudy.cli.app import main

main()
