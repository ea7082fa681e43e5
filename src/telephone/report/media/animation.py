"""A game as a short film: the drawing large, the text it came from in red, the description in green."""

from __future__ import annotations

from pathlib import Path

from PIL import Image, ImageDraw

from telephone.plots import short_names
from telephone.report.games import PlayedGame, Turn
from telephone.report.media import canvas
from telephone.report.media.typesetting import Hand, write_lines
from telephone.report.media.video import FrameTiming, write_film

_SIDE, _MARGIN, _LINES = 512, 40, 5
_WIDTH = _SIDE + 2 * _MARGIN
_SMALL, _TEXT, _NAMES, _PROMPT = Hand(15), Hand(19), Hand(20, bold=True), Hand(30, bold=True)
_TOP = 92


def animate(game: PlayedGame, path: Path | str, pace: FrameTiming | None = None) -> Path:
    """Writes a game as an animated file and returns its path.

    Args:
        game: The game.
        path: Ends in .webp, .gif or .mp4; mp4 needs ffmpeg or the package imageio-ffmpeg.
        pace: Milliseconds a frame.

    Raises:
        UsageError: another ending, or mp4 without an encoder.
    """
    return write_film(*film(game, pace or FrameTiming()), path)


def film(game: PlayedGame, pace: FrameTiming) -> tuple[list[Image.Image], list[int]]:
    """Returns the frames of a game, all RGB and of one even size, and how many milliseconds each stays."""
    sheet = _Sheet(game)
    frames, times = [sheet.title()], [pace.title]
    for turn in game.turns:
        frames.append(sheet.frame(turn, described=False))
        times.append(pace.drawing)
        if turn.after or turn.silent:
            frames.append(sheet.frame(turn, described=True))
            times.append(pace.description)
    times[-1] = pace.last
    return frames, times


class _Sheet:
    """The paper of one film: all frames have the height that its longest texts need."""

    def __init__(self, game: PlayedGame) -> None:
        self.game = game
        self.total = max((turn.number for turn in game.turns), default=1)
        lines = max((self._lines(turn) for turn in game.turns), default=0)
        height = _TOP + _SIDE + 16 + lines * _TEXT.leading + 24 + 40
        self.height = height + height % 2  # video encoders want even sizes

    def title(self) -> Image.Image:
        frame, draw = self._empty("prompt", 0.0)
        hand = _PROMPT if len(_PROMPT.wrap(self.game.prompt, _SIDE)) <= 10 else _TEXT
        lines = hand.wrap(self.game.prompt, _SIDE, most=(_SIDE + 40) // hand.leading)
        top = _TOP + (self.height - _TOP - 40 - len(lines) * hand.leading) * 0.42
        write_lines(draw, (_MARGIN, top), lines, hand, canvas.RED if self.game.first == "text" else canvas.INK)
        return frame

    def frame(self, turn: Turn, described: bool) -> Image.Image:
        share = (turn.number - (0.0 if described else 0.5)) / self.total
        where = f"turn {turn.number} of {self.total}" if turn.number else "the start"
        frame, draw = self._empty(where, max(share, 0.0))
        frame.paste(canvas.tile(turn, _SIDE), (_MARGIN, _TOP))
        top = _TOP + _SIDE + 16.0
        if turn.before:
            top = write_lines(draw, (_MARGIN, top), _wrapped(turn.before), _TEXT, canvas.RED) + 12
        if described:
            colour = canvas.GREEN if turn.after else canvas.AMBER
            write_lines(draw, (_MARGIN, top), _wrapped(turn.after or canvas.trouble(turn)), _TEXT, colour)
        return frame

    def _empty(self, where: str, share: float) -> tuple[Image.Image, ImageDraw.ImageDraw]:
        """Returns paper with the names of the players, where we are, and the bar of progress."""
        game, names = self.game, short_names([self.game.t2i, self.game.i2t])
        frame = Image.new("RGB", (_WIDTH, self.height), canvas.PAPER)
        draw = ImageDraw.Draw(frame)
        place = _WIDTH - _MARGIN - _SMALL.width(where)
        _NAMES.write(
            draw, (_MARGIN, 28), _NAMES.fit(f"{names[game.t2i]}  ↔  {names[game.i2t]}", place - 60), canvas.INK
        )
        _SMALL.write(draw, (_MARGIN, 58), f"{game.level} prompt", canvas.MUTED)
        _SMALL.write(draw, (place, 32), where, canvas.MUTED)
        bottom = self.height - 26
        draw.rounded_rectangle((_MARGIN, bottom, _WIDTH - _MARGIN, bottom + 6), radius=3, fill=canvas.LINE)
        if share > 0:
            draw.rounded_rectangle((_MARGIN, bottom, _MARGIN + _SIDE * share, bottom + 6), radius=3, fill=canvas.INK)
        return frame, draw

    @staticmethod
    def _lines(turn: Turn) -> int:
        after = _wrapped(turn.after or canvas.trouble(turn)) if turn.after or turn.silent else []
        return len(_wrapped(turn.before or "")) + len(after)


def _wrapped(text: str) -> list[str]:
    return _TEXT.wrap(text, _SIDE, _LINES)
