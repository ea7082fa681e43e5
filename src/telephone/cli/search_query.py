"""`telephone search query` and `telephone search similar`: finding pictures."""

from pathlib import Path
from typing import Annotated

import typer

from telephone.cli.options import Json
from telephone.cli.parsing import refs
from telephone.cli.search_options import (
    Colour,
    Diversity,
    Encoders,
    Exact,
    Fold,
    LibraryFolder,
    Number,
    Page,
    Sheet,
    Where,
    answer,
    filter_of,
)
from telephone.core.errors import UsageError


def query(
    text: Annotated[
        str,
        typer.Argument(
            metavar="[WORDS]", help="Words; `|` separates parts, `:2` is a weight, `--not` begins what is not wanted."
        ),
    ] = "",
    library: LibraryFolder = Path(),
    image: Annotated[
        list[Path] | None, typer.Option("--image", metavar="FILE", help="Also like this picture (repeat it).")
    ] = None,
    unlike: Annotated[
        list[Path] | None, typer.Option("--unlike", metavar="FILE", help="Less like this picture (repeat it).")
    ] = None,
    unwanted: Annotated[
        list[str] | None, typer.Option("--not", metavar="WORDS", help="What pictures must not show (repeat it).")
    ] = None,
    where: Where = "",
    colour: Colour = None,
    number: Number = 10,
    page: Page = 1,
    encoder: Encoders = None,
    keywords: Annotated[
        bool, typer.Option("--keywords/--no-keywords", help="Also search captions, tags and names.")
    ] = True,
    diversity: Diversity = 0.0,
    fold: Fold = False,
    exact: Exact = False,
    out: Sheet = None,
    json: Json = False,
) -> None:
    """Find pictures by words, by pictures, by colour and by properties, or by all of them together."""
    from telephone.pipeline import SearchQuestion

    words = " ".join([text, *(f"--not {each}" for each in unwanted or ())]).strip()
    question = SearchQuestion(
        text=words, images=tuple(image or ()), unlike=tuple(unlike or ()), where=filter_of(where, colour), k=number,
        page=page, encoders=refs(encoder or ()), keywords=keywords, diversity=diversity, fold=fold, exact=exact,
    )  # fmt: skip
    answer(library, question, out, json)


def similar(
    picture: Annotated[
        str, typer.Argument(metavar="PICTURE", help="A file, or the number of a picture of the library.")
    ],
    library: LibraryFolder = Path(),
    where: Where = "",
    colour: Colour = None,
    number: Number = 10,
    page: Page = 1,
    encoder: Encoders = None,
    diversity: Diversity = 0.0,
    fold: Fold = False,
    exact: Exact = False,
    out: Sheet = None,
    json: Json = False,
) -> None:
    """Find pictures that are like a picture."""
    from telephone.pipeline import SearchQuestion

    path = Path(picture)
    if not path.is_file() and not picture.isdecimal():
        raise UsageError(f"There is no picture {picture}: give the path of a file, or the number of a picture.")
    known = path.is_file()
    question = SearchQuestion(
        where=filter_of(where, colour), k=number, page=page, encoders=refs(encoder or ()), diversity=diversity,
        fold=fold, exact=exact, images=(path,) if known else (), ids=() if known else (int(picture),),
    )  # fmt: skip
    answer(library, question, out, json)
