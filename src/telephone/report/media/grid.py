"""All lines at once on one prompt, as a film: a cell a pair, the text drawn in red, the description in green."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from PIL import Image, ImageDraw

from telephone.core.errors import UsageError
from telephone.plots import short_names
from telephone.report.games import PlayedGame, Turn
from telephone.report.media import canvas
from telephone.report.media.typesetting import Hand, write_lines
from telephone.report.media.video import FrameTiming, write_film

_MARGIN, _GAP, _HEAD = 36, 22, 26
_TEXT, _NAMES, _SMALL, _LONG = Hand(13), Hand(13, bold=True), Hand(15), Hand(22, bold=True)
_PROMPT = Hand(20, bold=True)
_FEW_CELLS, _LARGE, _SMALL_TILE = 6, 256, 192
_MOST_LINES = 6


def animate_grid(games: Sequence[PlayedGame], path: Path | str, pace: FrameTiming | None = None) -> Path:
    """Writes all games of one prompt, side by side, as an animated file and returns its path.

    Args:
        games: Games of one prompt, one a pair; rows of the grid are those who draw, columns those who describe.
        path: Ends in .webp, .gif or .mp4; mp4 needs ffmpeg or the package imageio-ffmpeg.
        pace: Milliseconds a frame.

    Raises:
        UsageError: there is no game, they are of several prompts, another ending, or mp4 without an encoder.
    """
    return write_film(*grid_film(games, pace or FrameTiming(drawing=1400, description=2200)), path)


def grid_film(games: Sequence[PlayedGame], pace: FrameTiming) -> tuple[list[Image.Image], list[int]]:
    """Returns the frames of all games of one prompt, all RGB and of one even size, and the milliseconds of each.

    Raises:
        UsageError: there is no game, or they are of several prompts.
    """
    if len({(game.prompt, game.first) for game in games}) != 1:
        raise UsageError("A grid shows the games of one prompt: hand over one or more games that begin alike.")
    sheet = _Sheet(tuple(games))
    frames, times = [sheet.title()], [pace.title]
    for number in sheet.numbers:
        for described, time in ((False, pace.drawing), (True, pace.description)):
            frames.append(sheet.frame(number, described))
            times.append(time)
    times[-1] = pace.last
    return frames, times


@dataclass(frozen=True)
class _Sheet:
    """The paper of one film: cells have the height that the longest texts need."""

    games: tuple[PlayedGame, ...]

    @cached_property
    def numbers(self) -> list[int]:
        return sorted({turn.number for game in self.games for turn in game.turns})

    @cached_property
    def columns(self) -> int:
        """As many as describe; where only one draws or describes, the cells make a landscape."""
        draw, describe = len({game.t2i for game in self.games}), len({game.i2t for game in self.games})
        if min(draw, describe) == 1 or len(self.games) != draw * describe:
            return len(self.games) if len(self.games) <= 4 else math.ceil(math.sqrt(1.6 * len(self.games)))
        return describe

    @cached_property
    def tile(self) -> int:
        return _LARGE if len(self.games) <= _FEW_CELLS else _SMALL_TILE

    @cached_property
    def width(self) -> int:
        wide = 2 * _MARGIN + self.columns * self.tile + (self.columns - 1) * _GAP
        return max(wide + wide % 2, 640)

    @cached_property
    def prompt(self) -> list[str]:
        return _PROMPT.wrap(self.games[0].prompt, self.width - 2 * _MARGIN, most=3)

    @cached_property
    def top(self) -> int:
        return 62 + len(self.prompt) * _PROMPT.leading + 16

    @cached_property
    def lines(self) -> tuple[int, int]:
        """Most lines of a text before and of a description, over all cells."""
        turns = [turn for game in self.games for turn in game.turns]
        return (
            max((len(self._wrapped(turn.before or "")) for turn in turns), default=0),
            max((len(self._wrapped(self._said(turn))) for turn in turns), default=0),
        )

    @cached_property
    def cell(self) -> int:
        return _HEAD + self.tile + 8 + sum(self.lines) * _TEXT.leading + 10 + _GAP

    @cached_property
    def height(self) -> int:
        high = self.top + math.ceil(len(self.games) / self.columns) * self.cell + 34
        return high + high % 2

    def title(self) -> Image.Image:
        frame, draw = self._empty("prompt", 0.0, with_prompt=False)
        lines = _LONG.wrap(self.games[0].prompt, min(self.width - 2 * _MARGIN, 900), most=12)
        at = (_MARGIN, (self.height - len(lines) * _LONG.leading) * 0.42)
        write_lines(draw, at, lines, _LONG, canvas.RED if self.games[0].first == "text" else canvas.INK)
        return frame

    def frame(self, number: int, described: bool) -> Image.Image:
        last = max(self.numbers, default=1) or 1
        share = max(0.0, (number - (0.0 if described else 0.5)) / last)
        frame, draw = self._empty(f"turn {number} of {last}" if number else "the start", share)
        names = short_names([name for game in self.games for name in (game.t2i, game.i2t)])
        for place, game in enumerate(self.games):
            left = _MARGIN + place % self.columns * (self.tile + _GAP)
            top = self.top + place // self.columns * self.cell
            pair = _NAMES.fit(f"{names[game.t2i]} ↔ {names[game.i2t]}", self.tile)
            _NAMES.write(draw, (left, top + 4), pair, canvas.INK)
            self._cell(frame, draw, (left, top + _HEAD), (_at(game, number), described))
        return frame

    def _cell(
        self, frame: Image.Image, draw: ImageDraw.ImageDraw, at: tuple[int, int], what: tuple[Turn, bool]
    ) -> None:
        turn, described = what
        left, top = at
        frame.paste(canvas.tile(turn, self.tile), at)
        below = top + self.tile + 8.0
        write_lines(draw, (left, below), self._wrapped(turn.before or ""), _TEXT, canvas.RED)
        if described:
            below += self.lines[0] * _TEXT.leading + 6
            colour = canvas.GREEN if turn.after else canvas.AMBER
            write_lines(draw, (left, below), self._wrapped(self._said(turn)), _TEXT, colour)

    def _empty(self, where: str, share: float, with_prompt: bool = True) -> tuple[Image.Image, ImageDraw.ImageDraw]:
        """Returns paper with the prompt, where we are, and the bar of progress."""
        frame = Image.new("RGB", (self.width, self.height), canvas.PAPER)
        draw = ImageDraw.Draw(frame)
        _SMALL.write(draw, (_MARGIN, 26), f"{self.games[0].level} prompt, {len(self.games)} games", canvas.MUTED)
        _SMALL.write(draw, (self.width - _MARGIN - _SMALL.width(where), 26), where, canvas.MUTED)
        if with_prompt:
            write_lines(draw, (_MARGIN, 54), self.prompt, _PROMPT, canvas.INK)
        bottom, right = self.height - 24, self.width - _MARGIN
        draw.rounded_rectangle((_MARGIN, bottom, right, bottom + 6), radius=3, fill=canvas.LINE)
        if share > 0:
            end = _MARGIN + (right - _MARGIN) * share
            draw.rounded_rectangle((_MARGIN, bottom, end, bottom + 6), radius=3, fill=canvas.INK)
        return frame, draw

    def _wrapped(self, text: str) -> list[str]:
        return _TEXT.wrap(text, self.tile, _MOST_LINES) if text else []

    @staticmethod
    def _said(turn: Turn) -> str:
        return turn.after or (canvas.trouble(turn) if turn.silent else "")


def _at(game: PlayedGame, number: int) -> Turn:
    """Returns a game's turn of this number; one that broke off earlier stays at its last turn."""
    reached = [turn for turn in game.turns if turn.number <= number]
    return reached[-1] if reached else Turn(number, None, None, None, "pending")
