"""`telephone draw`: one picture of one text."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from telephone.cli.options import Output, Seed
from telephone.cli.output import say, warn
from telephone.cli.parsing import counted, free_path, slug
from telephone.core.errors import ModelError, UsageError

NAME = "draw"


def command(
    ref: Annotated[str, typer.Argument(metavar="REF", help="A player that draws.", show_default=False)],
    text: Annotated[str, typer.Argument(metavar="TEXT", help="What to draw.", show_default=False)],
    output: Output = None,
    seed: Seed = 0,
    best_of: Annotated[
        int, typer.Option("--best-of", min=1, max=1000, help="Draw so many, keep the one nearest to the text.")
    ] = 1,
    judge: Annotated[
        str, typer.Option("--judge", metavar="REF", help="An embedder of texts and images; it chooses.")
    ] = "pocket/clip",
) -> None:
    """Let a player draw a text and say where the picture is."""
    if not text.strip():
        raise UsageError("There is nothing to draw: write a text.")
    path = output or free_path(Path(f"{slug(text) or 'picture'}.png"))
    if path.suffix.lower() != ".png":
        raise UsageError(f"{path.name} is not written: let the name end in .png.")
    from telephone.core.images import encode_png
    from telephone.models import embedder, generate_images, text2image
    from telephone.models.best_of import best_of as best
    from telephone.report import write_atomic

    player = text2image(ref)
    if best_of > 1:
        (made,) = best(partial(draw, player), [text], [seed], best_of, embedder(judge))
    else:
        (made,) = generate_images(player, [text], [seed])
    if isinstance(made, ModelError):
        raise made
    write_atomic(path, encode_png(made))
    cut = player.count_cut(text)
    if cut:
        warn(f"{counted(cut, 'token')} at the end of the text did not fit and {'was' if cut == 1 else 'were'} cut off.")
    say(f"{path}: {made.width} x {made.height} pixels")
