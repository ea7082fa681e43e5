"""The command `telephone`: one file a command, each of which reads its options, calls the rooms below and prints."""

from telephone.cli.application import app, main

__all__ = ["app", "main"]
