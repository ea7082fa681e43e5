"""`telephone search stats | verify | repair | merge | check`: what is in a library, whether it is intact, its speed."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from telephone.cli.command_group import FAILED
from telephone.cli.formatting import counted, visible
from telephone.cli.options import Json
from telephone.cli.output import echo, note, print_json
from telephone.cli.search_options import LibraryArgument, library_at


def stats(library: LibraryArgument = Path(), json: Json = False) -> None:
    """Show what is in a library: pictures, files that cannot be used, encoders, segments, size."""
    from telephone import pipeline

    found = pipeline.search_stats(library_at(library))
    if json:
        broken = {str(path): reason for path, reason in pipeline.search_broken(library_at(library)).items()}
        print_json(asdict(found) | {"broken_files": broken})
        return
    echo(f"{counted(found.pictures, 'picture')}, {counted(found.broken, 'file')} that cannot be used")
    for row in found.encoders:
        echo(f"{row.ref}: {row.width} numbers a vector, reads {row.reads.replace(',', ' and ')}")
    echo(f"{counted(len(found.segments), 'segment')}, {found.live} live rows, {found.deleted} deleted rows")
    echo(f"{found.indexed} rows are searched through an index, the others exactly; {found.megabytes:.1f} MB")


def verify(library: LibraryArgument = Path(), json: Json = False) -> None:
    """Read a library back and compare every file with its hash."""
    from telephone import pipeline

    faults = pipeline.search_verify(library_at(library))
    if json:
        print_json({"library": str(library), "ok": not faults, "faults": faults})
    else:
        for fault in faults:
            echo(visible(fault))
        echo(f"{library} is damaged." if faults else f"{library} is intact: every file is what was written.")
    if faults:
        raise typer.Exit(FAILED)


def repair(library: LibraryArgument = Path(), json: Json = False) -> None:
    """Drop damaged segments; the next `telephone search index` embeds their pictures again."""
    from telephone import pipeline

    lost = pipeline.search_repair(library_at(library))
    if json:
        print_json({"library": str(library), "lost": [str(path) for path in lost]})
    elif lost:
        echo(f"{counted(len(lost), 'picture')} dropped: index the folder again to embed them.")
    else:
        echo(f"{library} is intact: nothing was dropped.")


def merge(
    library: LibraryArgument = Path(),
    index_from: Annotated[
        int | None,
        typer.Option(
            "--index-from",
            min=1000,
            metavar="ROWS",
            help="Rows from which an index is built; 50,000 if left out.",
            show_default=False,
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Make one segment of all, without deleted rows, and build the indexes of large libraries."""
    from telephone import pipeline

    result = pipeline.search_merge(library_at(library), index_from, note)
    if json:
        print_json(asdict(result))
        return
    echo(f"{counted(result.segments, 'segment')}, {result.dropped} deleted rows dropped")
    for each in result.indexes:
        echo(f"index built: {each}")


def check(
    queries: Annotated[Path, typer.Argument(metavar="FILE", help="A text file with one query a line.")],
    library: LibraryArgument = Path(),
    wanted: Annotated[float, typer.Option("--recall", min=0.1, max=1.0, help="The recall that is wanted.")] = 0.97,
    json: Json = False,
) -> None:
    """Compare the indexes with the exact scan on your queries, and set how many lists are visited."""
    from telephone import pipeline
    from telephone.core.errors import UsageError

    if not queries.is_file():
        raise UsageError(f"There is no file {queries}: write one with a query a line.")
    lines = queries.read_text(encoding="utf-8", errors="replace").splitlines()
    found = pipeline.search_check(library_at(library), lines, wanted)
    if json:
        print_json({"checks": [asdict(each) for each in found]})
        return
    for each in found:
        lists = f", {each.nprobe} lists" if each.nprobe else ""
        echo(f"{each.encoder}: recall {each.recall:.3f} on {counted(each.queries, 'text')}{lists}. {each.advice}")
