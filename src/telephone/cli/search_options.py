"""Options that several commands of `telephone search` share, and where a library is."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from telephone.cli.formatting import visible
from telephone.cli.output import echo, print_json

if TYPE_CHECKING:
    from telephone.pipeline import SearchQuestion
    from telephone.search.query_result import SearchResult

LibraryFolder = Annotated[
    Path,
    typer.Option("--library", "-l", metavar="FOLDER", help="The library, or the folder of pictures that has one."),
]
LibraryArgument = Annotated[
    Path, typer.Argument(metavar="[LIBRARY]", help="The library, or the folder of pictures that has one.")
]
Encoders = Annotated[
    list[str] | None,
    typer.Option("--encoder", metavar="REF", help="An embedder of the library (repeat it, or comma-separated)."),
]
Where = Annotated[
    str,
    typer.Option("--where", metavar="FILTER", help="Such as `orientation=landscape and width>=1000 and tag=beach`."),
]
Colour = Annotated[
    list[str] | None,
    typer.Option("--colour", metavar="COLOUR[:SHARE]", help="A colour that pictures have: `#E60012:20%`, `red`, `红`."),
]
Number = Annotated[int, typer.Option("-k", "--number", metavar="N", help="Pictures on a page.")]
Page = Annotated[int, typer.Option("--page", metavar="N", help="Which page.")]
Diversity = Annotated[float, typer.Option("--diversity", metavar="0..1", help="How much results differ.")]
Fold = Annotated[bool, typer.Option("--fold", help="Show one of near-duplicates.")]
Exact = Annotated[bool, typer.Option("--exact", help="Scan everything, even where there is an index.")]
Sheet = Annotated[
    Path | None,
    typer.Option("--out", "-o", metavar="FILE.png", help="Write the pictures as a contact sheet.", show_default=False),
]


def library_at(path: Path) -> Path:
    """Returns the library at a path: the folder itself, or the one that was made inside a folder of pictures."""
    from telephone.pipeline.searching import library_of
    from telephone.search.catalog import is_created

    return library_of(path) if not is_created(path) and is_created(library_of(path)) else path


def filter_of(where: str, colours: list[str] | None) -> str:
    """Returns the filter with a condition for each colour: `red:20%` is `colour(red)>=20%`."""
    conditions = [where] if where.strip() else []
    for colour in colours or ():
        name, _, share = colour.partition(":")
        conditions.append(f"colour({name})>={share or '5%'}")
    return " and ".join(conditions)


def answer(library: Path, question: "SearchQuestion", sheet: Path | None, json: bool) -> None:
    """Searches and prints: a table, or JSON; with a sheet also a picture."""
    from telephone import pipeline

    if sheet is not None:
        from telephone.core.output_files import check_output

        check_output(sheet, (".png",))
    result = pipeline.search_pictures(library_at(library), question)
    if sheet is not None and result.hits:
        pipeline.search_sheet(result, sheet, question.text)
    if json:
        print_json(result.as_dict() | {"sheet": str(sheet) if sheet is not None and result.hits else None})
        return
    _print(result)
    if sheet is not None:
        echo(f"{sheet}: the pictures" if result.hits else "No sheet was written: there is no picture to show.")


def _print(result: "SearchResult") -> None:
    if not result.matched:
        echo(visible(result.verdict.reason))
    if not result.matched and result.hits:
        echo("What came nearest:")
    for hit in result.hits:
        echo(f"{hit.rank:>4}  {hit.id:>7}  {hit.score:7.3f}  {visible(str(hit.path))}")
        for sentence in hit.explanation.sentences():
            echo(f"               {visible(sentence)}")
        for other in hit.duplicates:
            echo(f"               near-duplicate: {visible(str(other))}")
    if result.matched and not result.hits:
        echo("No more pictures: go back a page.")
