"""A game as a short film: the image large, the text it was generated from in red, its description in green."""

from __future__ import annotations

from pathlib import Path

from PIL import Image, ImageDraw

from telephone.plots import short_names
from telephone.report.games import PlayedGame, Turn
from telephone.report.media import canvas
from telephone.report.media.canvas import ImageCache
from telephone.report.media.output import FrameTiming, film_path, write_film
from telephone.report.media.typesetting import TextStyle, draw_lines

_SIDE, _MARGIN, _LINES = 512, 40, 5
_WIDTH = _SIDE + 2 * _MARGIN
_SMALL, _TEXT, _NAMES, _PROMPT = TextStyle(15), TextStyle(19), TextStyle(20, bold=True), TextStyle(30, bold=True)
_TOP = 92


def animate(
    game: PlayedGame, path: Path | str, timing: FrameTiming | None = None, cache: ImageCache | None = None
) -> Path:
    """Writes a game as an animated file and returns its path.

    Args:
        game: The game.
        path: Ends in .webp, .gif or .mp4; mp4 needs ffmpeg or the package imageio-ffmpeg.
        timing: Milliseconds per frame.
        cache: Decoded images; share one among several films of a run.

    Raises:
        UsageError: another file ending, or mp4 without an encoder.
        StoreError: the file cannot be written.
    """
    target = film_path(Path(path))  # a wrong path is an error before the frames are drawn
    return write_film(*film_frames(game, timing or FrameTiming(), cache), target)


def film_frames(
    game: PlayedGame, timing: FrameTiming, cache: ImageCache | None = None
) -> tuple[list[Image.Image], list[int]]:
    """Returns the frames of a game, all RGB and of one even size, and the milliseconds that each is shown."""
    layout = _FilmLayout(game, cache or ImageCache())
    frames, times = [layout.title()], [timing.title]
    for turn in game.turns:
        frames.append(layout.frame(turn, described=False))
        times.append(timing.drawing)
        if turn.after or turn.lacks_description:
            frames.append(layout.frame(turn, described=True))
            times.append(timing.description)
    times[-1] = timing.last
    return frames, times


class _FilmLayout:
    """Draws the frames of one film; all have the height that the longest texts of the game need."""

    def __init__(self, game: PlayedGame, cache: ImageCache) -> None:
        self.game = game
        self.cache = cache
        self.total = max((turn.number for turn in game.turns), default=1)
        lines = max((self._line_count(turn) for turn in game.turns), default=0)
        height = _TOP + _SIDE + 16 + lines * _TEXT.line_height + 24 + 40
        self.height = height + height % 2  # video encoders need even sizes

    def title(self) -> Image.Image:
        frame, draw = self._empty_frame("prompt", 0.0)
        style = _PROMPT if len(_PROMPT.wrap(self.game.prompt, _SIDE)) <= 10 else _TEXT
        lines = style.wrap(self.game.prompt, _SIDE, max_lines=(_SIDE + 40) // style.line_height)
        top = _TOP + (self.height - _TOP - 40 - len(lines) * style.line_height) * 0.42
        draw_lines(draw, (_MARGIN, top), lines, style, canvas.RED if self.game.first == "text" else canvas.TEXT)
        return frame

    def frame(self, turn: Turn, described: bool) -> Image.Image:
        progress = (turn.number - (0.0 if described else 0.5)) / self.total
        position = f"turn {turn.number} of {self.total}" if turn.number else "start"
        frame, draw = self._empty_frame(position, max(progress, 0.0))
        frame.paste(canvas.tile(turn, _SIDE, self.cache), (_MARGIN, _TOP))
        top = _TOP + _SIDE + 16.0
        if turn.before:
            top = draw_lines(draw, (_MARGIN, top), _wrapped(turn.before), _TEXT, canvas.RED) + 12
        if described:
            colour = canvas.GREEN if turn.after else canvas.AMBER
            draw_lines(draw, (_MARGIN, top), _wrapped(turn.after or canvas.missing_reason(turn)), _TEXT, colour)
        return frame

    def _empty_frame(self, position: str, progress: float) -> tuple[Image.Image, ImageDraw.ImageDraw]:
        """Returns a frame with the names of the models, the position in the game and the progress bar."""
        game, names = self.game, short_names([self.game.t2i, self.game.i2t])
        frame = Image.new("RGB", (_WIDTH, self.height), canvas.BACKGROUND)
        draw = ImageDraw.Draw(frame)
        left = _WIDTH - _MARGIN - _SMALL.width(position)
        pair = _NAMES.fit(f"{names[game.t2i]}  ↔  {names[game.i2t]}", left - 60)
        _NAMES.write(draw, (_MARGIN, 28), pair, canvas.TEXT)
        _SMALL.write(draw, (_MARGIN, 58), f"{game.level} prompt", canvas.MUTED)
        _SMALL.write(draw, (left, 32), position, canvas.MUTED)
        bottom = self.height - 26
        draw.rounded_rectangle((_MARGIN, bottom, _WIDTH - _MARGIN, bottom + 6), radius=3, fill=canvas.LINE)
        if progress > 0:
            end = _MARGIN + _SIDE * progress
            draw.rounded_rectangle((_MARGIN, bottom, end, bottom + 6), radius=3, fill=canvas.TEXT)
        return frame, draw

    @staticmethod
    def _line_count(turn: Turn) -> int:
        has_second = turn.after or turn.lacks_description
        after = _wrapped(turn.after or canvas.missing_reason(turn)) if has_second else []
        return len(_wrapped(turn.before or "")) + len(after)


def _wrapped(text: str) -> list[str]:
    return _TEXT.wrap(text, _SIDE, _LINES)
