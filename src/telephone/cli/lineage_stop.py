"""The end of a command of the lineage by a signal."""

from typing import Any

import typer

from telephone.cli.command_group import STOPPED
from telephone.cli.output import note


class stoppable:  # noqa: N801 - used like a function
    """Prints the command that continues the work after Ctrl-C or SIGTERM."""

    def __init__(self, again: str) -> None:
        self._again = again

    def __enter__(self) -> None:
        """Begins the work."""

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: Any) -> None:
        """Turns a stop into an exit code; raises typer.Exit with 130."""
        if kind is not None and issubclass(kind, KeyboardInterrupt):
            note(f"Stopped. Finished calls are kept; continue with: {self._again}")
            raise typer.Exit(STOPPED) from error
