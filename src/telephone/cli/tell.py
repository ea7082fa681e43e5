"""`telephone tell`: one description of one picture."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from telephone.cli.options import Seed
from telephone.cli.output import say, visible
from telephone.core.errors import ModelError, UsageError

if TYPE_CHECKING:
    from PIL import Image

NAME = "tell"
MAX_FILE = 128 * 2**20
"""Bytes; a larger file is not read."""


def command(
    ref: Annotated[str, typer.Argument(metavar="REF", help="A player that describes.", show_default=False)],
    image: Annotated[Path, typer.Argument(metavar="IMAGE", help="A picture file.", show_default=False)],
    seed: Seed = 0,
) -> None:
    """Let a player describe a picture and print what it says."""
    from telephone.models import generate_texts, image2text

    player = image2text(ref)
    (made,) = generate_texts(player, [open_picture(image)], [seed])
    if isinstance(made, ModelError):
        raise made
    say(visible(made))


def open_picture(path: Path) -> "Image.Image":
    """Returns the picture of a file in RGB.

    Raises:
        UsageError: there is no such file, it is too large, or it is no picture.
    """
    from telephone.core.images import decode

    try:
        if path.stat().st_size > MAX_FILE:
            raise UsageError(f"{path} is larger than {MAX_FILE // 2**20} MiB: make it smaller.")
        return decode(path.read_bytes())
    except OSError as error:
        raise UsageError(f"{path} cannot be read ({error.strerror}): check the name and its permissions.") from error
    except ModelError as error:
        raise UsageError(f"{path} cannot be described: {error}") from error
