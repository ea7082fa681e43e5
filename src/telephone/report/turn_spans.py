"""Turns of a game that do not differ, as one: a strip or a page shows the first of them with their number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from telephone.report.games import PlayedGame, Turn


@dataclass(frozen=True)
class TurnSpan:
    """Consecutive turns with the same texts."""

    turns: tuple[Turn, ...]

    @property
    def first(self) -> Turn:
        """The turn that is shown."""
        return self.turns[0]

    @property
    def label(self) -> str:
        """The heading, such as `Turn 3` or `Turns 4 to 10`."""
        return self.first.label if len(self.turns) == 1 else f"Turns {self.first.number} to {self.turns[-1].number}"

    @property
    def note(self) -> str:
        """How many turns are left out, and whether their images differ; empty for a single turn."""
        count, images = len(self.turns), len({turn.image for turn in self.turns})
        if count == 1:
            return ""
        return f"{count} turns, all the same" if images == 1 else f"{count} turns: the same texts, {images} images"


def turn_spans(game: PlayedGame) -> tuple[TurnSpan, ...]:
    """Returns the turns of a game in order, those that only repeat the turn before them together with it.

    A turn repeats another if image and texts are equal. Three and more turns with equal texts are one span also where
    their images differ, as they do with fresh noise.
    """
    return tuple(span for run in _equal_texts(game.turns) for span in _split(run))


def text_spans(game: PlayedGame) -> tuple[TurnSpan, ...]:
    """Returns the turns of a game in order, all consecutive ones with equal texts together, whatever their images."""
    return tuple(TurnSpan(run) for run in _equal_texts(game.turns))


def _equal_texts(turns: tuple[Turn, ...]) -> Iterator[tuple[Turn, ...]]:
    run: list[Turn] = []
    for turn in turns:
        same = bool(run) and (turn.before, turn.after) == (run[0].before, run[0].after)
        if run and not (same and turn.after is not None and turn.outcome == run[0].outcome == "ok"):
            yield tuple(run)
            run = []
        run.append(turn)
    if run:
        yield tuple(run)


def _split(run: tuple[Turn, ...]) -> Iterator[TurnSpan]:
    """Yields two turns with equal texts and different images one by one: both images are worth a look."""
    if len(run) == 2 and run[0].image != run[1].image:
        yield from (TurnSpan((turn,)) for turn in run)
    else:
        yield TurnSpan(run)
