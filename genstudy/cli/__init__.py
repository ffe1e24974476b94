"""The command line: one thin function a command, and one place that turns errors into output."""
