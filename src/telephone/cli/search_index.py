"""`telephone search index`: brings a library in line with a folder of pictures, and shows how long the rest takes."""

import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from telephone.cli.command_group import STOPPED
from telephone.cli.formatting import clock, counted, visible
from telephone.cli.options import Json
from telephone.cli.output import echo, note, print_json
from telephone.cli.parsing import refs
from telephone.cli.search_options import Encoders
from telephone.core.errors import UsageError

if TYPE_CHECKING:
    from telephone.search.indexing import IndexProgress, IndexResult

_SECONDS = 5.0
"""Between two lines of progress in a file; on a terminal one line is written over and over."""
_SHOWN = 5
"""Broken files that are named."""


def index(
    pictures: Annotated[Path, typer.Argument(metavar="PICTURES", help="A folder of pictures, with all folders in it.")],
    library: Annotated[
        Path | None,
        typer.Option(
            "--library", "-l", metavar="FOLDER", help="The library; inside PICTURES if left out.", show_default=False
        ),
    ] = None,
    encoder: Encoders = None,
    shard: Annotated[
        str, typer.Option("--shard", metavar="I/N", help="Only the i-th of n parts of the files.")
    ] = "1/1",
    batch: Annotated[int, typer.Option("--batch", min=1, max=4096, help="Pictures that are embedded at once.")] = 64,
    workers: Annotated[
        int | None,
        typer.Option("--workers", min=1, max=256, help="Threads that decode; one a core.", show_default=False),
    ] = None,
    json: Json = False,
) -> None:
    """Add what is new, replace what has changed and remove what is gone; the same command continues after a stop."""
    from telephone import pipeline
    from telephone.pipeline.searching import library_of

    target = library or library_of(pictures)
    options = pipeline.SearchIndexOptions(refs(encoder or ()), _shard(shard), batch, workers)
    lines = IndexLines()
    try:
        result = pipeline.search_index(pictures, target, options, lines.show)
    finally:
        lines.close()
    broken = pipeline.search_broken(target)
    if json:
        names = {str(path): reason for path, reason in broken.items()}
        print_json(asdict(result) | {"library": str(target), "broken_files": names})
    else:
        _print(result, target, broken)
    if result.interrupted:
        raise typer.Exit(STOPPED)


def _print(result: "IndexResult", target: Path, broken: dict[Path, str]) -> None:
    changes = (
        f"{result.added} added, {result.replaced} replaced, {result.removed} removed, {result.unchanged} unchanged"
    )
    echo(f"{target}: {changes}, in {clock(result.seconds)}")
    for path, reason in list(broken.items())[:_SHOWN]:
        echo(f"  not usable: {visible(str(path))}: {visible(reason)}")
    if len(broken) > _SHOWN:
        echo(f"  and {counted(len(broken) - _SHOWN, 'file')} more: `telephone search stats --json` names all.")
    if result.interrupted:
        note("Stopped; the same command continues.")


def _shard(text: str) -> tuple[int, int]:
    first, _, second = text.partition("/")
    if not (first.isdecimal() and second.isdecimal() and 1 <= int(first) <= int(second)):
        raise UsageError(f"{text!r} is no part: write --shard i/n with i from 1 to n, such as 1/4.")
    return int(first), int(second)


class IndexLines:
    """Writes the progress to stderr: files done, files a second, time left."""

    def __init__(self) -> None:
        """Writes nothing yet."""
        self._terminal = sys.stderr.isatty()
        self._last = 0.0

    def show(self, progress: "IndexProgress") -> None:
        """Writes a line if it is time for one."""
        now = time.monotonic()
        if now - self._last < (0.2 if self._terminal else _SECONDS):
            return
        self._last = now
        left = progress.seconds_left
        rest = f", {clock(left)} left" if left is not None else ""
        words = f"{progress.done:,} of {progress.total:,} pictures, {progress.per_second:.0f} a second{rest}"
        if self._terminal:
            typer.echo(f"\r{words:<70}", nl=False, err=True)
        else:
            note(words)

    def close(self) -> None:
        """Removes the line from a terminal."""
        if self._terminal:
            typer.echo(f"\r{'':<70}\r", nl=False, err=True)
