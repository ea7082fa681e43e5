"""From rows to stories: a run's frame of turns becomes games that a strip, a film or a page can tell."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from telephone.errors import UsageError
from telephone.records import LEVELS

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

NEEDED = ("conversation_name", "prompt", "level", "t2i_model", "i2t_model", "step_number", "text_before", "text_after")


@dataclass(frozen=True)
class Turn:
    """Two hops as a reader sees them: a text, the picture drawn from it, the description of the picture."""

    number: int
    """From 1."""
    before: str | None
    """The text that was drawn; None where the chain broke before it."""
    after: str | None
    """The description; None where there is none."""
    picture: Path | None
    """The drawing; None where there is none."""
    outcome: str = "ok"
    """ok, refused or failed."""
    reason: str = ""
    """Why the turn was refused or failed."""
    distance: float | None = None
    """Distance of the description from the prompt, in [0, 2]; None is unscored."""
    recall: float | None = None
    """Share of the prompt's facts that the description tells, in [0, 1]; None is unscored."""


@dataclass(frozen=True)
class Game:
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

    @property
    def outcome(self) -> str:
        """ok, or how the game ended early: refused or failed."""
        return next((turn.outcome for turn in self.turns if turn.outcome != "ok"), "ok")

    @property
    def distance(self) -> float | None:
        """Distance after the last turn; None for a game that broke off or is not scored."""
        return self.turns[-1].distance if self.turns and self.outcome == "ok" else None

    @property
    def recall(self) -> float | None:
        """Share of facts kept after the last turn; None for a game that broke off or is not scored."""
        return self.turns[-1].recall if self.turns and self.outcome == "ok" else None


def games_of(frame: pd.DataFrame) -> list[Game]:
    """Returns the games of a run, sorted by level, prompt and players.

    Args:
        frame: One row a turn, as `Run.frame()` or the scored frame of the analysis; what has no column is unknown.

    Raises:
        UsageError: a column that every run has is missing.
    """
    missing = [name for name in NEEDED if name not in frame.columns]
    if missing:
        raise UsageError(f"The frame has no column {missing[0]!r}: hand over Run.frame().")
    key = "game" if "game" in frame.columns else "conversation_name"
    ordered = frame.sort_values("step_number", kind="stable")
    games = [_game(rows.to_dict("records")) for _, rows in ordered.groupby(key, sort=False)]
    order: dict[str, int] = {level: place for place, level in enumerate(LEVELS)}
    first_seen = {prompt: place for place, prompt in enumerate(frame["prompt"].drop_duplicates())}
    return sorted(games, key=lambda g: (order.get(g.level, 9), first_seen[g.prompt], g.t2i, g.i2t, g.repeat))


def _game(rows: list[dict[Any, Any]]) -> Game:
    head = rows[0]
    return Game(
        name=str(head["conversation_name"]),
        prompt=str(head["prompt"]),
        level=str(head["level"]),
        t2i=str(head["t2i_model"]),
        i2t=str(head["i2t_model"]),
        turns=tuple(_turn(row) for row in rows),
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


def _words(value: Any) -> str | None:
    return None if value is None or isinstance(value, float) or str(value) == "" else str(value)


def _number(value: Any) -> float | None:
    return None if value is None or not math.isfinite(value) else float(value)
