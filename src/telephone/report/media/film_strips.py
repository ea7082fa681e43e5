"""A whole game in one picture: the prompt, then every drawing with the text it came from and the description it got."""

from __future__ import annotations

import math
from dataclasses import dataclass

from PIL import Image, ImageDraw

from telephone.plots import short_names
from telephone.report.games import PlayedGame, Turn
from telephone.report.media import canvas
from telephone.report.media.typesetting import Hand, write_lines

_SMALL, _TEXT, _LABEL, _NAMES, _PROMPT = (
    Hand(13),
    Hand(15),
    Hand(12, bold=True),
    Hand(16, bold=True),
    Hand(24, bold=True),
)


@dataclass(frozen=True)
class StripStyle:
    """Sizes of a film strip, in pixels."""

    columns: int = 5
    """Most turns in a row; more turns wrap into further rows of about the same length."""
    tile: int = 256
    """Side of a drawing; 256 is four times the pocket world's 64."""
    gap: int = 28
    margin: int = 44
    lines: int = 7
    """Lines of a text; longer ones end in an ellipsis."""

    def in_row(self, turns: int) -> int:
        """Returns how many of so many turns stand in a row."""
        rows = math.ceil(max(turns, 1) / self.columns)
        return math.ceil(max(turns, 1) / rows)

    def width(self, turns: int) -> int:
        """Returns the width of a strip of so many turns; room for two at least, for the prompt's sake."""
        columns = max(2, self.in_row(turns))
        return 2 * self.margin + columns * self.tile + (columns - 1) * self.gap


def film_strip(game: PlayedGame, style: StripStyle | None = None) -> Image.Image:
    """Returns a game as one RGB picture: prompt and players above, then the turns in rows.

    Args:
        game: Any number of turns; a turn that failed is a tile that says what failed.
        style: Sizes; the default suits ten turns on a screen.
    """
    style = style or StripStyle()
    in_row = style.in_row(len(game.turns))
    rows = [game.turns[start : start + in_row] for start in range(0, len(game.turns), in_row)]
    width = style.width(len(game.turns))
    bands = [_head(game, width, style), *(_row(row, width, style) for row in rows)]
    strip = Image.new("RGB", (width, sum(band.height for band in bands)), canvas.PAPER)
    top = 0
    for band in bands:
        strip.paste(band, (0, top))
        top += band.height
    return strip


def _head(game: PlayedGame, width: int, style: StripStyle) -> Image.Image:
    names = short_names([game.t2i, game.i2t])
    lines = _PROMPT.wrap(game.prompt, width - 2 * style.margin, most=5)
    height = style.margin + 34 + len(lines) * _PROMPT.leading + style.gap
    band = Image.new("RGB", (width, height), canvas.PAPER)
    draw = ImageDraw.Draw(band)
    level = game.level if game.first == "text" else f"{game.level}, starts with the picture"
    where = (style.margin, style.margin - 6)
    players = f"{names[game.t2i]}  draws,  {names[game.i2t]}  describes"
    _NAMES.write(draw, where, _NAMES.fit(players, width - 2 * style.margin - _SMALL.width(level) - 30), canvas.MUTED)
    _SMALL.write(draw, (width - style.margin - _SMALL.width(level), where[1] + 3), level, canvas.MUTED)
    write_lines(draw, (style.margin, style.margin + 30), lines, _PROMPT, canvas.INK)
    return band


def _row(turns: tuple[Turn, ...], width: int, style: StripStyle) -> Image.Image:
    cards = [_card(turn, style) for turn in turns]
    band = Image.new("RGB", (width, max(card.height for card in cards) + style.gap), canvas.PAPER)
    for place, card in enumerate(cards):
        band.paste(card, (style.margin + place * (style.tile + style.gap), 0))
    return band


def _card(turn: Turn, style: StripStyle) -> Image.Image:
    """Draws a turn: number, drawing, red text, green text."""
    before = _TEXT.wrap(turn.before, style.tile, style.lines) if turn.before else []
    words = turn.after or (canvas.trouble(turn) if turn.silent else "")
    after = _TEXT.wrap(words, style.tile, style.lines) if words else []
    parts = sum(28 + len(lines) * _TEXT.leading for lines in (before, after) if lines)
    height = 26 + style.tile + 12 + parts
    card = Image.new("RGB", (style.tile, height), canvas.PAPER)
    draw = ImageDraw.Draw(card)
    _LABEL.write(draw, (0, 4), turn.label.upper(), canvas.INK)
    if turn.distance is not None:
        words = f"distance {turn.distance:.2f}"
        _SMALL.write(draw, (style.tile - _SMALL.width(words), 3), words, canvas.MUTED)
    card.paste(canvas.tile(turn, style.tile), (0, 26))
    top = 26.0 + style.tile + 12
    top = _paragraph(draw, top, "drawn from", before, canvas.RED)
    _paragraph(draw, top, "described as", after, canvas.GREEN if turn.after else canvas.AMBER)
    return card


def _paragraph(draw: ImageDraw.ImageDraw, top: float, label: str, lines: list[str], colour: str) -> float:
    if not lines:
        return top
    _SMALL.write(draw, (0, top), label, canvas.MUTED)
    return write_lines(draw, (0, top + 18), lines, _TEXT, colour) + 10
