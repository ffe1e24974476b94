"""The study file: a parameter study in one readable file, read into what the command line builds too."""
