"""A game as a short film: the drawing large, the text it came from in red, the description in green."""

from __future__ import annotations

import importlib
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw

from telephone.errors import UsageError
from telephone.plots import short_names
from telephone.report import canvas
from telephone.report.files import write_atomic
from telephone.report.games import Game, Turn
from telephone.report.typeset import Hand, write_lines

FORMATS = ("webp", "gif", "mp4")
_SIDE, _MARGIN, _LINES = 512, 40, 5
_WIDTH = _SIDE + 2 * _MARGIN
_SMALL, _TEXT, _NAMES, _PROMPT = Hand(15), Hand(19), Hand(20, bold=True), Hand(30, bold=True)
_TOP = 92
_FPS = 5


@dataclass(frozen=True)
class Pace:
    """How long a frame stays, in milliseconds."""

    title: int = 1600
    drawing: int = 1000
    """The drawing with the text that it came from."""
    description: int = 1200
    """The same with the description."""
    last: int = 4000


def animate(game: Game, path: Path | str, pace: Pace | None = None) -> Path:
    """Writes a game as an animated file and returns its path.

    Args:
        game: The game.
        path: Ends in .webp, .gif or .mp4; mp4 needs the package imageio-ffmpeg.
        pace: Milliseconds a frame.

    Raises:
        UsageError: another ending, or mp4 without imageio-ffmpeg.
    """
    path = Path(path)
    kind = path.suffix.lower().lstrip(".")
    if kind not in FORMATS:
        raise UsageError(f"A film ends in .webp, .gif or .mp4, not in {path.suffix!r}: choose another name for it.")
    frames, times = film(game, pace or Pace())
    if kind == "mp4":
        _write_mp4(frames, times, path)
    else:
        write_atomic(path, _encoded(frames, times, kind))
    return path


def film(game: Game, pace: Pace) -> tuple[list[Image.Image], list[int]]:
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

    def __init__(self, game: Game) -> None:
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


def _encoded(frames: list[Image.Image], times: list[int], kind: str) -> bytes:
    buffer = io.BytesIO()
    options: dict[str, Any] = {"save_all": True, "append_images": frames[1:], "duration": times, "loop": 0}
    if kind == "webp":
        options |= {"quality": 86, "method": 3}
    frames[0].save(buffer, format=kind.upper(), **options)
    return buffer.getvalue()


def _write_mp4(frames: list[Image.Image], times: list[int], path: Path) -> None:
    try:
        ffmpeg: Any = importlib.import_module("imageio_ffmpeg")
    except ImportError as error:
        raise UsageError("An mp4 needs the package imageio-ffmpeg: install it, or write a .webp instead.") from error
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.stem}.part.mp4")
    try:
        writer = ffmpeg.write_frames(str(part), frames[0].size, fps=_FPS, quality=8, macro_block_size=2)
        writer.send(None)
        for frame, time in zip(frames, times, strict=True):
            for _ in range(max(1, round(time * _FPS / 1000))):
                writer.send(frame.tobytes())
        writer.close()
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
