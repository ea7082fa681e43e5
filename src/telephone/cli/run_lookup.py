"""In which folder a battle is played: a new one, or that of a run which it continues."""

from pathlib import Path
from typing import TYPE_CHECKING

from telephone.core.errors import TelephoneError, UsageError

if TYPE_CHECKING:
    from telephone.store import Run, RunSpec

_MOST = 50
"""Runs that are looked at, the newest first."""


def there(folder: Path, wish: "RunSpec") -> "Run | None":
    """Returns the run in a folder that a wish continues, None if there is none.

    Raises:
        UsageError: the folder holds another run.
        StoreError: what is there cannot be read.
    """
    from telephone.store import Run, another

    path = folder / "run.sqlite"
    if not path.is_file() or not path.stat().st_size:
        return None
    run = Run.open(folder)
    if lacks := wish.lacks(run.spec):
        run.close()
        raise UsageError(another(folder, lacks))
    return run


def paid_run(runs: Path, stem: str, wish: "RunSpec") -> Path | None:
    """Returns the folder of a run that cost money and that a wish would only add to: nothing is paid for twice.

    Args:
        runs: where runs lie.
        stem: how their folders begin.
        wish: what is to be played.
    """
    from telephone.store import Run

    found = sorted(runs.glob(f"{stem}-*/run.sqlite"), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in found[:_MOST]:
        try:
            with Run.open(path.parent) as run:
                mine = wish.covers(run.spec)
                bought = any(row.price != 0 for row in run.spec.models)
                if mine and bought and any(row.known or row.unknown for row in run.spending().values()):
                    return path.parent
        except TelephoneError:
            continue  # what cannot be read cannot be continued; whoever opens it is told
    return None
