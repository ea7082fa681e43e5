"""Games of a run for display: the frame of turns becomes games with their texts, images and scores."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from telephone.core.errors import UsageError
from telephone.core.file_names import path_of
from telephone.core.records import LEVELS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import pandas as pd

REQUIRED = (
    "conversation_name",
    "prompt",
    "level",
    "t2i_model",
    "i2t_model",
    "step_number",
    "text_before",
    "text_after",
)


@dataclass(frozen=True)
class Turn:
    """Two hops as they are displayed: a text, the image generated from it, and the description of the image."""

    number: int
    """From 1; 0 is the image that starts an image-first game."""
    before: str | None
    """The text that the image was generated from; None if there is none."""
    after: str | None
    """The description; None if there is none."""
    image: Path | None
    """The image file; None if there is none."""
    outcome: str = "ok"
    """ok, refused, failed, or pending if the run stopped here."""
    reason: str = ""
    """Why the turn was refused or failed."""
    distance: float | None = None
    """Distance of the description from the prompt, in [0, 2]; None is unscored."""
    recall: float | None = None
    """Share of the prompt's facts that the description states, in [0, 1]; None is unscored."""

    @property
    def label(self) -> str:
        """The heading of the turn."""
        return f"Turn {self.number}" if self.number else "Start"

    @property
    def lacks_description(self) -> bool:
        """True if there is an image and its description failed, was refused or is pending."""
        return self.image is not None and self.after is None and self.outcome != "ok"


@dataclass(frozen=True)
class PlayedGame:
    """One prompt, played by one pair of models."""

    name: str
    prompt: str
    level: str
    t2i: str
    i2t: str
    turns: tuple[Turn, ...]
    repeat: int = 0
    first: str = "text"
    """What the game starts with: text or image."""
    planned: int = 0
    """Planned number of turns; 0 is unknown."""
    key: str = ""
    """Its full hash; empty if the frame has none."""

    @property
    def outcome(self) -> str:
        """ok, refused, failed, or pending if there are turns left to play."""
        broken = next((turn.outcome for turn in self.turns if turn.outcome != "ok"), "ok")
        short = bool(self.turns) and self.turns[-1].number < self.planned
        return "pending" if broken == "ok" and short else broken

    @property
    def distance(self) -> float | None:
        """Distance of the last description; None if the game is incomplete or unscored."""
        return self._last_score("distance")

    @property
    def recall(self) -> float | None:
        """Share of facts that the last description states; None if the game is incomplete or unscored."""
        return self._last_score("recall")

    @property
    def last_description(self) -> str | None:
        """The last description; None if there is none."""
        return next((turn.after for turn in reversed(self.turns) if turn.after), None)

    def _last_score(self, name: str) -> float | None:
        described = [turn for turn in self.turns if turn.after]
        value: float | None = getattr(described[-1], name) if described and self.outcome == "ok" else None
        return value


def games_of(
    frame: pd.DataFrame, planned: int = 0, image_path: Callable[[str], Path] | None = None
) -> list[PlayedGame]:
    """Returns the games of a run, sorted by level, prompt and models.

    Args:
        frame: One row a turn, as `Run.frame()` or `telephone.analysis.scored` returns it; missing optional columns
            are unknown values.
        planned: Planned number of turns of each game; 0 is unknown, and no game counts as pending for being short.
        image_path: Returns the file of an image by its content hash, such as `run.images.path`; without it,
            image-first games lack their first image.

    Raises:
        UsageError: a required column is missing.
    """
    missing = [name for name in REQUIRED if name not in frame.columns]
    if missing:
        raise UsageError(f"The frame has no column {missing[0]!r}: pass the result of Run.frame().")
    key = "game" if "game" in frame.columns else "conversation_name"
    ordered = frame.sort_values("step_number", kind="stable")
    games = [
        replace(_game(rows.to_dict("records"), image_path), planned=planned)
        for _, rows in ordered.groupby(key, sort=False)
    ]
    level_order: dict[str, int] = {level: position for position, level in enumerate(LEVELS)}
    prompt_order = {prompt: position for position, prompt in enumerate(frame["prompt"].drop_duplicates())}

    def order(game: PlayedGame) -> tuple[int, int, bool, str, str, int]:
        level = level_order.get(game.level, len(LEVELS))
        return level, prompt_order[game.prompt], game.first != "text", game.t2i, game.i2t, game.repeat

    return sorted(games, key=order)


def _game(rows: list[dict[Any, Any]], image_path: Callable[[str], Path] | None) -> PlayedGame:
    head = rows[0]
    turns = tuple(_turn(row) for row in rows)
    if head.get("first") == "image":
        sha = _text(head.get("prompt_sha256"))
        turns = _image_first_turns(turns, image_path(sha) if image_path and sha else None)
    return PlayedGame(
        name=str(head["conversation_name"]),
        prompt=str(head["prompt"]),
        level=str(head["level"]),
        t2i=str(head["t2i_model"]),
        i2t=str(head["i2t_model"]),
        turns=turns,
        repeat=int(head.get("repeat", 0)),
        first=str(head.get("first", "text")),
        key=str(head.get("game", "")),
    )


def _turn(row: Mapping[Any, Any]) -> Turn:
    path = _text(row.get("filepath"))
    return Turn(
        number=int(row["step_number"]) + 1,
        before=_text(row["text_before"]),
        after=_text(row["text_after"]),
        image=path_of(path) if path else None,
        outcome=_text(row.get("outcome")) or "ok",
        reason=_text(row.get("reason")) or "",
        distance=_number(row.get("text_after_dist")),
        recall=_number(row.get("facts_recall")),
    )


def _image_first_turns(turns: tuple[Turn, ...], start: Path | None) -> tuple[Turn, ...]:
    """Returns the turns of an image-first game in the order of a text-first game: text, image, description.

    A turn of an image-first game describes the image of the turn before and generates an image from the description.
    Here each image stands together with the description that the next turn made of it; the first image is turn 0.
    """
    current = Turn(0, None, None, start)
    result: list[Turn] = []
    for turn in turns:
        if not turn.after:
            return (*result, replace(current, outcome=turn.outcome, reason=turn.reason))
        result.append(replace(current, after=turn.after, distance=turn.distance, recall=turn.recall))
        current = Turn(turn.number, turn.after, None, turn.image, turn.outcome, turn.reason)
    return (*result, current)


def _text(value: Any) -> str | None:
    return None if value is None or isinstance(value, float) or str(value) == "" else str(value)


def _number(value: Any) -> float | None:
    return None if value is None or not math.isfinite(value) else float(value)
