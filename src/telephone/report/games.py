"""From rows to stories: a run's frame of turns becomes games that a strip, a film or a page can tell."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from telephone.core.errors import UsageError
from telephone.core.records import LEVELS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import pandas as pd

NEEDED = ("conversation_name", "prompt", "level", "t2i_model", "i2t_model", "step_number", "text_before", "text_after")


@dataclass(frozen=True)
class Turn:
    """Two hops as a reader sees them: a text, the picture drawn from it, the description of the picture."""

    number: int
    """From 1; 0 is the picture that starts an image-first game."""
    before: str | None
    """The text that was drawn; None where the chain broke before it."""
    after: str | None
    """The description; None where there is none."""
    picture: Path | None
    """The drawing; None where there is none."""
    outcome: str = "ok"
    """ok, refused, failed, or pending if the run stopped here."""
    reason: str = ""
    """Why the turn was refused or failed."""
    distance: float | None = None
    """Distance of the description from the prompt, in [0, 2]; None is unscored."""
    recall: float | None = None
    """Share of the prompt's facts that the description tells, in [0, 1]; None is unscored."""

    @property
    def label(self) -> str:
        """What to write above it."""
        return f"Turn {self.number}" if self.number else "Start"

    @property
    def silent(self) -> bool:
        """True where a drawing should have been described, and was not."""
        return self.picture is not None and self.after is None and self.outcome != "ok"


@dataclass(frozen=True)
class PlayedGame:
    """One prompt, played by one pair."""

    name: str
    prompt: str
    level: str
    t2i: str
    i2t: str
    turns: tuple[Turn, ...]
    repeat: int = 0
    first: str = "text"
    """What the chain starts with: text or image."""
    planned: int = 0
    """Turns that it was to have; 0 is unknown."""

    @property
    def outcome(self) -> str:
        """ok, or how the game ended early: refused, failed, or pending if there are turns still to play."""
        broken = next((turn.outcome for turn in self.turns if turn.outcome != "ok"), "ok")
        short = bool(self.turns) and self.turns[-1].number < self.planned
        return "pending" if broken == "ok" and short else broken

    @property
    def distance(self) -> float | None:
        """Distance of the last description; None for a game that broke off or is not scored."""
        return self._last("distance")

    @property
    def recall(self) -> float | None:
        """Share of facts that the last description keeps; None for a game that broke off or is not scored."""
        return self._last("recall")

    @property
    def still(self) -> int:
        """How many turns at the end repeat the one before them to the letter and the pixel."""
        count = 0
        for turn, before in zip(reversed(self.turns), reversed(self.turns[:-1]), strict=False):
            same = (turn.before, turn.after, turn.picture) == (before.before, before.after, before.picture)
            if not same or turn.outcome != "ok" or turn.after is None:
                break
            count += 1
        return count

    @property
    def said(self) -> str | None:
        """The last description; None if there is none."""
        return next((turn.after for turn in reversed(self.turns) if turn.after), None)

    def _last(self, name: str) -> float | None:
        described = [turn for turn in self.turns if turn.after]
        value: float | None = getattr(described[-1], name) if described and self.outcome == "ok" else None
        return value


def games_of(
    frame: pd.DataFrame, planned: int = 0, picture_of: Callable[[str], Path] | None = None
) -> list[PlayedGame]:
    """Returns the games of a run, sorted by level, prompt and players.

    Args:
        frame: One row a turn, as `Run.frame()` or the scored frame of the analysis; what has no column is unknown.
        planned: Turns that each game was to have; 0 is unknown, and no game counts as unfinished for being short.
        picture_of: Gives the file of a picture by its content hash, such as `run.pictures.path`; without it an
            image-first game is told without its first picture.

    Raises:
        UsageError: a column that every run has is missing.
    """
    missing = [name for name in NEEDED if name not in frame.columns]
    if missing:
        raise UsageError(f"The frame has no column {missing[0]!r}: hand over Run.frame().")
    key = "game" if "game" in frame.columns else "conversation_name"
    ordered = frame.sort_values("step_number", kind="stable")
    games = [
        replace(_game(rows.to_dict("records"), picture_of), planned=planned)
        for _, rows in ordered.groupby(key, sort=False)
    ]
    order: dict[str, int] = {level: place for place, level in enumerate(LEVELS)}
    first_seen = {prompt: place for place, prompt in enumerate(frame["prompt"].drop_duplicates())}
    return sorted(
        games, key=lambda g: (order.get(g.level, 9), first_seen[g.prompt], g.first != "text", g.t2i, g.i2t, g.repeat)
    )


def _game(rows: list[dict[Any, Any]], picture_of: Callable[[str], Path] | None) -> PlayedGame:
    head = rows[0]
    turns = tuple(_turn(row) for row in rows)
    if head.get("first") == "image":
        shown = _words(head.get("prompt_sha256"))
        turns = _pictures_first(turns, picture_of(shown) if picture_of and shown else None)
    return PlayedGame(
        name=str(head["conversation_name"]),
        prompt=str(head["prompt"]),
        level=str(head["level"]),
        t2i=str(head["t2i_model"]),
        i2t=str(head["i2t_model"]),
        turns=turns,
        repeat=int(head.get("repeat", 0)),
        first=str(head.get("first", "text")),
    )


def _turn(row: Mapping[Any, Any]) -> Turn:
    path = _words(row.get("filepath"))
    return Turn(
        number=int(row["step_number"]) + 1,
        before=_words(row["text_before"]),
        after=_words(row["text_after"]),
        picture=Path(path) if path else None,
        outcome=_words(row.get("outcome")) or "ok",
        reason=_words(row.get("reason")) or "",
        distance=_number(row.get("text_after_dist")),
        recall=_number(row.get("facts_recall")),
    )


def _pictures_first(turns: tuple[Turn, ...], start: Path | None) -> tuple[Turn, ...]:
    """Tells an image-first game in the same order as the others: text, the picture drawn from it, its description.

    A turn of such a game describes the picture of the turn before and draws the description. Here each picture comes
    together with the description that the next turn made of it; the picture that starts the game is number 0.
    """
    shown = Turn(0, None, None, start)
    told: list[Turn] = []
    for turn in turns:
        if not turn.after:
            return (*told, replace(shown, outcome=turn.outcome, reason=turn.reason))
        told.append(replace(shown, after=turn.after, distance=turn.distance, recall=turn.recall))
        shown = Turn(turn.number, turn.after, None, turn.picture, turn.outcome, turn.reason)
    return (*told, shown)


def _words(value: Any) -> str | None:
    return None if value is None or isinstance(value, float) or str(value) == "" else str(value)


def _number(value: Any) -> float | None:
    return None if value is None or not math.isfinite(value) else float(value)
