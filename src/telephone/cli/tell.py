"""`telephone tell`: one description of one image."""

from pathlib import Path
from typing import Annotated

import typer

from telephone.cli.formatting import visible
from telephone.cli.options import Seed
from telephone.cli.output import echo

NAME = "tell"


def command(
    ref: Annotated[str, typer.Argument(metavar="REF", help="An image-to-text model.", show_default=False)],
    image: Annotated[Path, typer.Argument(metavar="IMAGE", help="An image file.", show_default=False)],
    seed: Seed = 0,
) -> None:
    """Describe an image with an image-to-text model and print the description."""
    from telephone import pipeline

    echo(visible(pipeline.describe_image(ref, image, seed)))
