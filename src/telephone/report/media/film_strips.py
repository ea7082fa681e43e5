"""A game as one image: the prompt, then each image with the text it was generated from and its description."""

from __future__ import annotations

import math
from dataclasses import dataclass

from PIL import Image, ImageDraw

from telephone.plots import short_names
from telephone.report.games import PlayedGame
from telephone.report.media import canvas
from telephone.report.media.canvas import ImageCache
from telephone.report.media.typesetting import TextStyle, draw_lines
from telephone.report.turn_spans import TurnSpan, turn_spans

_SMALL, _TEXT, _LABEL, _NAMES, _PROMPT = (
    TextStyle(13),
    TextStyle(15),
    TextStyle(12, bold=True),
    TextStyle(16, bold=True),
    TextStyle(24, bold=True),
)


@dataclass(frozen=True)
class StripStyle:
    """Sizes of a film strip, in pixels."""

    columns: int = 5
    """Largest number of tiles in a row; more are split into rows of about the same length."""
    tile: int = 256
    """Side of an image; 256 is four times the 64 pixels of the pocket world."""
    gap: int = 28
    margin: int = 44
    lines: int = 7
    """Largest number of lines of a text; longer texts end in an ellipsis."""

    def in_row(self, turns: int) -> int:
        """Returns the number of turns in a row, for a game of `turns` turns."""
        rows = math.ceil(max(turns, 1) / self.columns)
        return math.ceil(max(turns, 1) / rows)

    def width(self, turns: int) -> int:
        """Returns the width of a strip of `turns` turns; at least two columns, so that the prompt has room."""
        columns = max(2, self.in_row(turns))
        return 2 * self.margin + columns * self.tile + (columns - 1) * self.gap


def film_strip(game: PlayedGame, style: StripStyle | None = None, cache: ImageCache | None = None) -> Image.Image:
    """Returns a game as one RGB image: prompt and models above, then the turns in rows.

    Args:
        game: Any number of turns; a failed turn is a tile with its reason, turns that repeat another are counted.
        style: Sizes; the default fits ten turns on a screen.
        cache: Decoded images; share one among several strips of a run.
    """
    style, cache = style or StripStyle(), cache or ImageCache()
    spans = turn_spans(game)
    in_row = style.in_row(len(spans))
    rows = [spans[start : start + in_row] for start in range(0, len(spans), in_row)]
    width = style.width(len(spans))
    bands = [_head(game, width, style), *(_row(row, width, style, cache) for row in rows)]
    strip = Image.new("RGB", (width, sum(band.height for band in bands)), canvas.BACKGROUND)
    top = 0
    for band in bands:
        strip.paste(band, (0, top))
        top += band.height
    return strip


def _head(game: PlayedGame, width: int, style: StripStyle) -> Image.Image:
    names = short_names([game.t2i, game.i2t])
    lines = _PROMPT.wrap(game.prompt, width - 2 * style.margin, max_lines=5)
    height = style.margin + 34 + len(lines) * _PROMPT.line_height + style.gap
    band = Image.new("RGB", (width, height), canvas.BACKGROUND)
    draw = ImageDraw.Draw(band)
    level = game.level if game.first == "text" else f"{game.level}, starts with the image"
    at = (style.margin, style.margin - 6)
    models = f"{names[game.t2i]}  draws,  {names[game.i2t]}  describes"
    _NAMES.write(draw, at, _NAMES.fit(models, width - 2 * style.margin - _SMALL.width(level) - 30), canvas.MUTED)
    _SMALL.write(draw, (width - style.margin - _SMALL.width(level), at[1] + 3), level, canvas.MUTED)
    draw_lines(draw, (style.margin, style.margin + 30), lines, _PROMPT, canvas.TEXT)
    return band


def _row(spans: tuple[TurnSpan, ...], width: int, style: StripStyle, cache: ImageCache) -> Image.Image:
    cards = [_card(span, style, cache) for span in spans]
    band = Image.new("RGB", (width, max(card.height for card in cards) + style.gap), canvas.BACKGROUND)
    for position, card in enumerate(cards):
        band.paste(card, (style.margin + position * (style.tile + style.gap), 0))
    return band


def _card(span: TurnSpan, style: StripStyle, cache: ImageCache) -> Image.Image:
    """Draws a turn: number, image, red text, green text; and how many turns repeat it."""
    turn = span.first
    before = _TEXT.wrap(turn.before, style.tile, style.lines) if turn.before else []
    description = turn.after or (canvas.missing_reason(turn) if turn.lacks_description else "")
    after = _TEXT.wrap(description, style.tile, style.lines) if description else []
    parts = sum(28 + len(lines) * _TEXT.line_height for lines in (before, after) if lines)
    repeats = _SMALL.line_height + 6 if span.note else 0
    height = 26 + style.tile + 12 + repeats + parts
    card = Image.new("RGB", (style.tile, height), canvas.BACKGROUND)
    draw = ImageDraw.Draw(card)
    _LABEL.write(draw, (0, 4), span.label.upper(), canvas.TEXT)
    if turn.distance is not None:
        distance = f"distance {turn.distance:.2f}"
        _SMALL.write(draw, (style.tile - _SMALL.width(distance), 3), distance, canvas.MUTED)
    card.paste(canvas.tile(turn, style.tile, cache), (0, 26))
    top = 26.0 + style.tile + 12
    if span.note:
        _SMALL.write(draw, (0, top - 4), span.note, canvas.TEXT)
        top += repeats
    top = _paragraph(draw, top, "generated from", before, canvas.RED)
    _paragraph(draw, top, "described as", after, canvas.GREEN if turn.after else canvas.AMBER)
    return card


def _paragraph(draw: ImageDraw.ImageDraw, top: float, label: str, lines: list[str], colour: str) -> float:
    if not lines:
        return top
    _SMALL.write(draw, (0, top), label, canvas.MUTED)
    return draw_lines(draw, (0, top + 18), lines, _TEXT, colour) + 10
