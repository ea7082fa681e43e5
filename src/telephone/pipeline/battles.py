"""Opens runs that are battles; a run without games holds the calls of something else."""

from pathlib import Path

from telephone.core.errors import UsageError
from telephone.core.file_names import shell_word
from telephone.store import Run


def open_battle(folder: str | Path) -> Run:
    """Returns the run in a folder.

    Raises:
        UsageError: there is none, or it has no games.
        StoreError: it cannot be read.
    """
    run = Run.open(folder)
    if is_battle(run):
        return run
    run.close()
    raise UsageError(
        f"{folder} has no games: it holds calls such as those of `telephone lineage --run {shell_word(folder)}`."
        " Give the folder of a battle."
    )


def is_battle(run: Run) -> bool:
    """Returns whether games are played in a run."""
    return bool(run.spec.lines)
