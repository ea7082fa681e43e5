"""`telephone world`: images of the pocket world with their captions, or the image of a given sentence."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from telephone.cli.formatting import counted, visible
from telephone.cli.options import Levels, Output, Seed
from telephone.cli.output import echo, print_warning
from telephone.cli.parsing import levels
from telephone.core.errors import UsageError

if TYPE_CHECKING:
    from PIL import Image

    from telephone.core.records import Level

NAME = "world"
MOST = 400
"""Images on one sheet, at most."""


def command(
    text: Annotated[
        str | None,
        typer.Argument(metavar="[TEXT]", help="A sentence to draw; without one, a sheet.", show_default=False),
    ] = None,
    sample: Annotated[int, typer.Option("--sample", min=1, max=MOST, help="Images on the sheet.")] = 24,
    level: Levels = None,
    seed: Seed = 0,
    lang: Annotated[Literal["en", "zh"], typer.Option("--lang", help="Language of the sentences.")] = "en",
    wording: Annotated[str, typer.Option("--wording", help="The wording of the sentences.")] = "detailed",
    size: Annotated[
        int | None,
        typer.Option("--size", min=16, max=2048, help="Width of an image in pixels.", show_default=False),
    ] = None,
    output: Output = None,
) -> None:
    """Draw a sentence, or a sheet of scenes with their captions."""
    if text is not None:
        _draw(text, size or 512, seed, output)
        return
    path = output or Path("world.png")
    sheet = _sheet(sample, levels(level or ()), seed, (lang, wording), size or 160)
    _write(sheet, path)
    echo(f"{path}: {counted(sample, 'scene')}")


def _draw(text: str, size: int, seed: int, output: Path | None) -> None:
    from telephone import world
    from telephone.pipeline.paths import free_path, slug

    reading = world.read(text)
    facts = len(world.atoms(reading.scene))
    if not facts:
        raise UsageError(
            f"No word of {visible(text)!r} is known in the pocket world: try `a red apple on a beach`, or see"
            " `telephone world` for its words."
        )
    path = output or free_path(Path(f"{slug(text) or 'scene'}.png"))
    _write(world.render(reading.scene, size=size, seed=seed), path)
    if reading.unknown:
        print_warning(f"Not understood and left out: {visible(', '.join(reading.unknown))}.")
    echo(f"{path}: {counted(facts, 'fact')}, {world.level_of(reading.scene)}")
    echo(world.caption(reading.scene))


def _sheet(sample: int, chosen: "tuple[Level, ...]", seed: int, words: tuple[str, str], tile: int) -> "Image.Image":
    from telephone import world
    from telephone.core.records import LEVELS
    from telephone.core.seeds import derive
    from telephone.world.contact_sheet import contact_sheet

    lang, wording = words
    if lang == "zh" and not _writes_chinese():
        print_warning("No font here has Chinese characters, so the sheet shows boxes: install Noto Sans CJK.")
    cycle = chosen or LEVELS[:3]
    items = []
    for number in range(sample):
        # In order of difficulty.
        level = cycle[number * len(cycle) // sample]
        scene = world.sample(level, derive("sheet", seed, level, number))
        items.append((world.render(scene, size=tile, seed=seed), world.caption(scene, lang, wording)))
    return contact_sheet(items, tile=tile)


def _writes_chinese() -> bool:
    """Returns whether a font has two characters; one that lacks them draws both as the same box."""
    from telephone.world.contact_sheet import font_for

    font = font_for("中文", 16)
    return bytes(font.getmask("中")) != bytes(font.getmask("文"))


def _write(image: "Image.Image", path: Path) -> None:
    from telephone.core.images import encode_png
    from telephone.core.output_files import check_output, write_output

    check_output(path, (".png",))
    write_output(path, encode_png(image))
