"""The pictures of an operation as one PNG sheet: its strips, what is seen in each picture, and the verdict."""

from dataclasses import dataclass

from PIL import Image, ImageDraw

from telephone.core.images import to_rgb
from telephone.lineage.result import Cell, OperationResult, Strip
from telephone.lineage.seen_facts import seen_of
from telephone.lineage.verdicts import value_words
from telephone.plots.style import BACKGROUND, MUTED, TEXT
from telephone.report.media.typesetting import TextStyle

TILE = 150
"""Side of each picture, in pixels."""
_MARGIN, _GAP = 28, 14
_COLUMNS = 10
"""The most pictures in a row; a longer strip goes on below."""
_TITLE, _TEXT, _BOLD, _SMALL = TextStyle(24, bold=True), TextStyle(15), TextStyle(15, bold=True), TextStyle(12)
_STATES = {"kept": TEXT, "wrong": "#b3261e", "missing": "#9aa6b0", "added": "#8a5a00"}


@dataclass
class _Pen:
    """Writes from the top down; on a sheet of no height it only measures."""

    draw: ImageDraw.ImageDraw
    sheet: Image.Image
    width: int
    top: int = _MARGIN

    def text(self, text: str, style: TextStyle, colour: str = TEXT, most: int = 0) -> None:
        for line in style.wrap(text, self.width - 2 * _MARGIN, most):
            style.write(self.draw, (_MARGIN, self.top), line, colour)
            self.top += style.line_height


def operation_sheet(result: OperationResult) -> Image.Image:
    """Returns the strips of an operation on one sheet, RGB.

    Args:
        result: of the operation; without strips the sheet has its texts alone.
    """
    longest = max((len(strip.cells) for strip in result.strips), default=4)
    width = max(720, 2 * _MARGIN + min(_COLUMNS, longest) * (TILE + _GAP) - _GAP)
    height = _write(result, Image.new("RGB", (width, 1)), width)
    sheet = Image.new("RGB", (width, height), BACKGROUND)
    _write(result, sheet, width)
    return sheet


def _write(result: OperationResult, sheet: Image.Image, width: int) -> int:
    """Writes everything onto a sheet and returns the height that it needs."""
    pen = _Pen(ImageDraw.Draw(sheet), sheet, width)
    pen.text(f"{result.operation}: {result.verdict}", _TITLE)
    pen.text(result.reason, _TEXT, MUTED)
    for each in result.measures[:1]:
        pen.text(f"{value_words(each)} {each.name}, n = {each.n}", _BOLD)
    for strip in result.strips:
        pen.top += 18
        if strip.title:
            pen.text(strip.title, _BOLD, most=2)
        for start in range(0, len(strip.cells), _COLUMNS):
            _write_row(pen, strip, strip.cells[start : start + _COLUMNS])
    return pen.top + _MARGIN


def _write_row(pen: _Pen, strip: Strip, cells: tuple[Cell, ...]) -> None:
    titles = [_SMALL.wrap(cell.title, TILE, 2) for cell in cells]
    above = max(len(lines) for lines in titles) * _SMALL.line_height + 4
    bottom = pen.top
    for column, (cell, lines) in enumerate(zip(cells, titles, strict=True)):
        left, top = _MARGIN + column * (TILE + _GAP), pen.top
        for number, line in enumerate(lines):
            _SMALL.write(pen.draw, (left, top + number * _SMALL.line_height), line, MUTED)
        pen.sheet.paste(_fitted(cell.image), (left, top + above))
        bottom = max(bottom, _write_seen(pen, strip, cell, left, top + above + TILE + 6))
    pen.top = bottom + 8


def _write_seen(pen: _Pen, strip: Strip, cell: Cell, left: int, top: int) -> int:
    """Writes what is seen below a picture, and returns where it ends."""
    at = left
    phrases = seen_of(strip, cell)
    for position, phrase in enumerate(phrases):
        for number, fact in enumerate(phrase):
            word = ("+ " if fact.state == "added" and not number else "") + fact.text
            word = f"({word})" if fact.state == "missing" else word
            word += " " if number < len(phrase) - 1 else " \u00b7 " if position < len(phrases) - 1 else ""
            if at > left and at + _SMALL.width(word.rstrip(" \u00b7")) > left + TILE:
                at, top = left, top + _SMALL.line_height
            _SMALL.write(pen.draw, (at, top), word, _STATES[fact.state])
            at += round(_SMALL.width(word))
    top += _SMALL.line_height if at > left else 0
    for line in _SMALL.wrap(cell.note, TILE, 3) if cell.note else []:
        _SMALL.write(pen.draw, (left, top), line, MUTED)
        top += _SMALL.line_height
    return top


def _fitted(image: Image.Image) -> Image.Image:
    """Returns a picture on a tile: small ones enlarged without smoothing, others scaled to fit."""
    rgb = to_rgb(image)
    scale = TILE / max(rgb.size)
    size = (max(1, round(rgb.width * scale)), max(1, round(rgb.height * scale)))
    made = rgb.resize(size, Image.Resampling.NEAREST if scale > 1.5 else Image.Resampling.LANCZOS)
    tile = Image.new("RGB", (TILE, TILE), "#eceae4")
    tile.paste(made, ((TILE - made.width) // 2, (TILE - made.height) // 2))
    return tile
