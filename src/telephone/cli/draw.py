"""`telephone draw`: one image of one text."""

from pathlib import Path
from typing import Annotated

import typer

from telephone.cli.formatting import counted
from telephone.cli.options import Output, Seed
from telephone.cli.output import echo, print_warning
from telephone.core.errors import UsageError

NAME = "draw"


def command(
    ref: Annotated[str, typer.Argument(metavar="REF", help="A text-to-image model.", show_default=False)],
    text: Annotated[str, typer.Argument(metavar="TEXT", help="What to draw.", show_default=False)],
    output: Output = None,
    seed: Seed = 0,
    best_of: Annotated[
        int, typer.Option("--best-of", min=1, max=1000, help="Draw so many, keep the one nearest to the text.")
    ] = 1,
    judge: Annotated[
        str, typer.Option("--judge", metavar="REF", help="An embedder of texts and images; it chooses.")
    ] = "pocket/clip",
    film: Annotated[
        Path | None,
        typer.Option(
            "--film",
            metavar="FILE",
            help="Write how the image is drawn instead: .webp, .gif, .mp4.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Draw a text with a text-to-image model and print the image's file."""
    from telephone import pipeline

    if film is not None and (output is not None or best_of > 1):
        raise UsageError("A film is one drawing, written to its own file: leave out --output and --best-of.")
    if film is not None:
        made = pipeline.film_of_drawing(ref, text, film, seed)
    else:
        made = pipeline.generate_image(ref, text, output, seed, pipeline.BestOf(best_of, judge))
    if made.tokens_cut:
        cut = counted(made.tokens_cut, "token")
        print_warning(f"{cut} at the end of the text did not fit and {'was' if made.tokens_cut == 1 else 'were'} cut.")
    echo(f"{made.path}: {made.width} x {made.height} pixels")
