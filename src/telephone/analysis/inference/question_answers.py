"""The three questions of a battle, each answered in a sentence with its interval or the reason for no answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from telephone.analysis.tables.leaderboards import Leaderboard, indistinguishable_from_best
from telephone.analysis.tables.prompt_scores import ALL

if TYPE_CHECKING:
    import pandas as pd

    from telephone.analysis.inference.variance_shares import VarianceShares

_QUESTIONS = {
    "t2i": "Which text-to-image model keeps most of the meaning?",
    "i2t": "Which image-to-text model keeps most of the meaning?",
}


@dataclass(frozen=True)
class QuestionAnswer:
    """One of the three questions and the answer of a run."""

    question: str
    answer: str
    """A sentence or two."""
    significant: bool
    """False where the data cannot decide."""


def answer_questions(
    games: pd.DataFrame, boards: Sequence[Leaderboard], shares: VarianceShares
) -> tuple[QuestionAnswer, ...]:
    """Returns the answers to the three questions, in their order.

    Args:
        games: One row a game, as `game_scores` gives it.
        boards: Leaderboards of one measure and time; those of the two sides are used.
        shares: The answer to the third question.
    """
    by_side = {board.side: board for board in boards}
    first = [_best(games, by_side[side], question) for side, question in _QUESTIONS.items() if side in by_side]
    third = " ".join(part for part in (shares.answer, shares.components.answer) if part)
    return (*first, QuestionAnswer("What matters more: drawing or describing?", third, shares.significant))


def _best(games: pd.DataFrame, board: Leaderboard, question: str) -> QuestionAnswer:
    if not board.rankable:
        return QuestionAnswer(question, f"This cannot be determined. {board.note}".rstrip(), False)
    rows = board.overall.to_dict("records")
    best = rows[0]
    name = str(best[board.names[0]])
    tied = indistinguishable_from_best(games, board.side, board.measure.name, board.when)[1:]
    words = f"{name} ({board.measure.words} {_number(best)}, {best['n']} prompts)"
    if tied:
        others = ", ".join(tied[:-1]) + (" and " if len(tied) > 1 else "") + tied[-1]
        return QuestionAnswer(
            question, f"Perhaps {words}, but it is not distinguishable from {others}.{_by_level(board)}", False
        )
    return QuestionAnswer(question, f"{words} keeps most.{_by_level(board)}", True)


def _number(row: Mapping[Any, Any]) -> str:
    interval = "" if row["low"] != row["low"] else f" [{row['low']:.2f}, {row['high']:.2f}]"
    return f"{row['mean']:.2f}{interval}"


def _by_level(board: Leaderboard) -> str:
    """Returns a sentence with the best model of each level."""
    levels = [str(level) for level in board.table["level"].drop_duplicates() if level != ALL]
    first = {}
    for level in levels:
        rows = board.table[(board.table["level"] == level) & (board.table["rank"] == 1)]
        first[level] = " and ".join(str(name) for name in rows[board.names[0]])
    if len(levels) < 2:
        return ""
    if len(set(first.values())) == 1:
        return f" It is first at every level ({', '.join(levels)})."
    return f" First by level: {'; '.join(f'{level} {names}' for level, names in first.items() if names)}."
