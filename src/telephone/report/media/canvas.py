"""What strips and films are painted with: their colours, and pictures brought to a size without blurring pixels."""

from __future__ import annotations

from pathlib import Path

from PIL import Image, ImageDraw

from telephone.core import images
from telephone.core.errors import ModelError
from telephone.report.games import Turn
from telephone.report.media.typesetting import Hand, write_lines

PAPER = "#fdfcfa"
CARD = "#f3f1ec"
INK = "#1f2d3a"
MUTED = "#71797f"
LINE = "#e2dfd8"
RED = "#b3261e"
"""The text that a picture was drawn from."""
GREEN = "#14713f"
"""The description made of it."""
AMBER = "#8a5a00"
"""What went wrong."""
_CRISP_BELOW = 160


def enlarged(image: Image.Image, side: int) -> Image.Image:
    """Returns the picture in a square of `side` pixels; small ones grow in whole steps and keep hard pixels."""
    ground = Image.new("RGB", (side, side), CARD)
    longest = max(image.size)
    if longest <= _CRISP_BELOW and longest <= side:
        factor = side // longest
        fitted = image.resize((image.width * factor, image.height * factor), Image.Resampling.NEAREST)
    else:
        share = side / longest
        size = (max(1, round(image.width * share)), max(1, round(image.height * share)))
        fitted = image.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
    ground.paste(fitted, ((side - fitted.width) // 2, (side - fitted.height) // 2))
    return ground


def load(path: Path) -> Image.Image | None:
    """Returns the picture of a file in RGB, or None if the file is gone or damaged."""
    try:
        return images.decode(path.read_bytes())
    except (OSError, ModelError):
        return None


def trouble(turn: Turn) -> str:
    """Returns what to write where a turn has no picture."""
    if turn.outcome == "pending":
        return "not played yet"
    if turn.outcome != "ok":
        return f"{turn.outcome}: {turn.reason}" if turn.reason else turn.outcome
    return "the picture is missing from the run folder" if turn.picture else "no picture"


def tile(turn: Turn, side: int) -> Image.Image:
    """Returns the picture of a turn in a square of `side` pixels, or a square that says why there is none."""
    image = load(turn.picture) if turn.picture else None
    return enlarged(image, side) if image is not None else blank(trouble(turn), side)


def blank(words: str, side: int) -> Image.Image:
    """Returns a hatched square of `side` pixels with words in its middle."""
    ground = Image.new("RGB", (side, side), CARD)
    draw = ImageDraw.Draw(ground)
    for start in range(-side, side, 16):
        draw.line([(start, side), (start + side, 0)], fill=LINE, width=2)
    hand = Hand(min(20, max(11, side // 18)))
    lines = hand.wrap(words, side * 0.78, most=8)
    height = len(lines) * hand.leading
    pad, top = side * 0.07, (side - height) / 2
    draw.rounded_rectangle((pad, top - pad / 2, side - pad, top + height + pad / 2), radius=side // 32, fill=PAPER)
    write_lines(draw, (side * 0.11, top), lines, hand, AMBER)
    return ground
