"""All games of one prompt side by side as a film: a cell for each pair, prompt texts in red, descriptions in green."""

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
from telephone.report.media.canvas import ImageCache
from telephone.report.media.output import FrameTiming, film_path, write_film
from telephone.report.media.typesetting import TextStyle, draw_lines

_MARGIN, _GAP, _HEAD = 36, 22, 26
_TEXT, _NAMES, _SMALL, _LONG = TextStyle(13), TextStyle(13, bold=True), TextStyle(15), TextStyle(22, bold=True)
_PROMPT = TextStyle(20, bold=True)
_FEW_CELLS, _LARGE_TILE, _SMALL_TILE = 6, 256, 192
_MAX_LINES = 6


def animate_grid(
    games: Sequence[PlayedGame], path: Path | str, timing: FrameTiming | None = None, cache: ImageCache | None = None
) -> Path:
    """Writes all games of one prompt, side by side, as an animated file and returns its path.

    Args:
        games: Games of one prompt, one for each pair; rows are text-to-image models, columns image-to-text models.
        path: Ends in .webp, .gif or .mp4; mp4 needs ffmpeg or the package imageio-ffmpeg.
        timing: Milliseconds per frame.
        cache: Decoded images; share one among several films of a run.

    Raises:
        UsageError: no game, games of several prompts, another file ending, or mp4 without an encoder.
        StoreError: the file cannot be written.
    """
    target = film_path(Path(path))  # a wrong path is an error before the frames are drawn
    return write_film(*grid_frames(games, timing or FrameTiming(drawing=1400, description=2200), cache), target)


def grid_frames(
    games: Sequence[PlayedGame], timing: FrameTiming, cache: ImageCache | None = None
) -> tuple[list[Image.Image], list[int]]:
    """Returns the frames of all games of one prompt, all RGB and of one even size, and the milliseconds of each.

    Raises:
        UsageError: no game, or games of several prompts.
    """
    if len({(game.prompt, game.first) for game in games}) != 1:
        raise UsageError("A grid shows the games of one prompt: pass one or more games with the same prompt.")
    layout = _GridLayout(tuple(games), cache or ImageCache())
    frames, times = [layout.title()], [timing.title]
    for number in layout.numbers:
        for described, time in ((False, timing.drawing), (True, timing.description)):
            frames.append(layout.frame(number, described))
            times.append(time)
    times[-1] = timing.last
    return frames, times


@dataclass(frozen=True)
class _GridLayout:
    """Draws the frames of one film; cells have the height that the longest texts need."""

    games: tuple[PlayedGame, ...]
    cache: ImageCache

    @cached_property
    def numbers(self) -> list[int]:
        return sorted({turn.number for game in self.games for turn in game.turns})

    @cached_property
    def columns(self) -> int:
        """One for each image-to-text model; with a single model on one side, the cells fill a landscape format."""
        t2i, i2t = len({game.t2i for game in self.games}), len({game.i2t for game in self.games})
        if min(t2i, i2t) == 1 or len(self.games) != t2i * i2t:
            return len(self.games) if len(self.games) <= 4 else math.ceil(math.sqrt(1.6 * len(self.games)))
        return i2t

    @cached_property
    def tile(self) -> int:
        return _LARGE_TILE if len(self.games) <= _FEW_CELLS else _SMALL_TILE

    @cached_property
    def width(self) -> int:
        wide = 2 * _MARGIN + self.columns * self.tile + (self.columns - 1) * _GAP
        return max(wide + wide % 2, 640)

    @cached_property
    def prompt(self) -> list[str]:
        return _PROMPT.wrap(self.games[0].prompt, self.width - 2 * _MARGIN, max_lines=3)

    @cached_property
    def top(self) -> int:
        return 62 + len(self.prompt) * _PROMPT.line_height + 16

    @cached_property
    def lines(self) -> tuple[int, int]:
        """Largest number of lines of a text and of a description, over all cells."""
        turns = [turn for game in self.games for turn in game.turns]
        return (
            max((len(self._wrapped(turn.before or "")) for turn in turns), default=0),
            max((len(self._wrapped(self._second_text(turn))) for turn in turns), default=0),
        )

    @cached_property
    def cell(self) -> int:
        return _HEAD + self.tile + 8 + sum(self.lines) * _TEXT.line_height + 10 + _GAP

    @cached_property
    def height(self) -> int:
        high = self.top + math.ceil(len(self.games) / self.columns) * self.cell + 34
        return high + high % 2

    def title(self) -> Image.Image:
        frame, draw = self._empty_frame("prompt", 0.0, with_prompt=False)
        lines = _LONG.wrap(self.games[0].prompt, min(self.width - 2 * _MARGIN, 900), max_lines=12)
        at = (_MARGIN, (self.height - len(lines) * _LONG.line_height) * 0.42)
        draw_lines(draw, at, lines, _LONG, canvas.RED if self.games[0].first == "text" else canvas.TEXT)
        return frame

    def frame(self, number: int, described: bool) -> Image.Image:
        last = max(self.numbers, default=1) or 1
        progress = max(0.0, (number - (0.0 if described else 0.5)) / last)
        frame, draw = self._empty_frame(f"turn {number} of {last}" if number else "start", progress)
        names = short_names([name for game in self.games for name in (game.t2i, game.i2t)])
        for position, game in enumerate(self.games):
            left = _MARGIN + position % self.columns * (self.tile + _GAP)
            top = self.top + position // self.columns * self.cell
            pair = _NAMES.fit(f"{names[game.t2i]} ↔ {names[game.i2t]}", self.tile)
            _NAMES.write(draw, (left, top + 4), pair, canvas.TEXT)
            self._cell(frame, draw, (left, top + _HEAD), (_turn_at(game, number), described))
        return frame

    def _cell(
        self, frame: Image.Image, draw: ImageDraw.ImageDraw, at: tuple[int, int], shown: tuple[Turn, bool]
    ) -> None:
        turn, described = shown
        left, top = at
        frame.paste(canvas.tile(turn, self.tile, self.cache), at)
        below = top + self.tile + 8.0
        draw_lines(draw, (left, below), self._wrapped(turn.before or ""), _TEXT, canvas.RED)
        if described:
            below += self.lines[0] * _TEXT.line_height + 6
            colour = canvas.GREEN if turn.after else canvas.AMBER
            draw_lines(draw, (left, below), self._wrapped(self._second_text(turn)), _TEXT, colour)

    def _empty_frame(
        self, position: str, progress: float, with_prompt: bool = True
    ) -> tuple[Image.Image, ImageDraw.ImageDraw]:
        """Returns a frame with the prompt, the position in the game and the progress bar."""
        frame = Image.new("RGB", (self.width, self.height), canvas.BACKGROUND)
        draw = ImageDraw.Draw(frame)
        _SMALL.write(draw, (_MARGIN, 26), f"{self.games[0].level} prompt, {len(self.games)} games", canvas.MUTED)
        _SMALL.write(draw, (self.width - _MARGIN - _SMALL.width(position), 26), position, canvas.MUTED)
        if with_prompt:
            draw_lines(draw, (_MARGIN, 54), self.prompt, _PROMPT, canvas.TEXT)
        bottom, right = self.height - 24, self.width - _MARGIN
        draw.rounded_rectangle((_MARGIN, bottom, right, bottom + 6), radius=3, fill=canvas.LINE)
        if progress > 0:
            end = _MARGIN + (right - _MARGIN) * progress
            draw.rounded_rectangle((_MARGIN, bottom, end, bottom + 6), radius=3, fill=canvas.TEXT)
        return frame, draw

    def _wrapped(self, text: str) -> list[str]:
        return _TEXT.wrap(text, self.tile, _MAX_LINES) if text else []

    @staticmethod
    def _second_text(turn: Turn) -> str:
        return turn.after or (canvas.missing_reason(turn) if turn.lacks_description else "")


def _turn_at(game: PlayedGame, number: int) -> Turn:
    """Returns the turn of this number; an incomplete game stays at its last turn."""
    reached = [turn for turn in game.turns if turn.number <= number]
    return reached[-1] if reached else Turn(number, None, None, None, "pending")
