"""The three questions of a battle, each answered in a sentence with its interval or the reason for no answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from telephone.analysis.inference.paraphrase_line import not_worse_than_paraphrase
from telephone.analysis.tables.leaderboards import Leaderboard, indistinguishable_from_best
from telephone.analysis.tables.measure_choice import DISTANCE, FACTS, SIMILARITY, MeasureChoice
from telephone.analysis.tables.prompt_scores import ALL
from telephone.analysis.tables.score_frames import Measure

if TYPE_CHECKING:
    import pandas as pd

    from telephone.analysis.inference.variance_shares import VarianceShares

_QUESTIONS = {
    "t2i": "Which text-to-image model keeps most of the meaning?",
    "i2t": "Which image-to-text model keeps most of the meaning?",
}
_VERBS = {
    FACTS: "keeps most facts",
    SIMILARITY: "keeps most of the meaning",
    DISTANCE: "is nearest to the prompt in wording and meaning",
}
_UNITS = {FACTS: "of the facts", SIMILARITY: "calibrated similarity", DISTANCE: "cosine distance"}
_WHOLE = {FACTS: "keep everything", SIMILARITY: "are no farther than a rewording", DISTANCE: "keep every word"}
_SAME = 1e-9
"""Means that differ by no more are equal."""


@dataclass(frozen=True)
class QuestionAnswer:
    """One of the three questions and the answer of a run."""

    question: str
    answer: str
    """A few sentences."""
    significant: bool
    """False where the data cannot decide."""
    measure: str = ""
    """Name of the measure that answers."""


@dataclass(frozen=True)
class AnswerData:
    """What the questions are answered from."""

    games: pd.DataFrame
    """One row a game of the battle, as `game_scores` gives it."""
    boards: Sequence[Leaderboard]
    """Leaderboards after the last turn; those of the two sides are used."""
    shares: VarianceShares
    """By the measure that answers."""
    choice: MeasureChoice
    controls: pd.DataFrame | None = None
    """One row a game of the control lines, as `game_scores` gives it; None if none were played."""

    def board(self, side: str, measure: str) -> Leaderboard | None:
        """Returns the leaderboard of a side by a measure; None if there is none."""
        found = (each for each in self.boards if (each.side, each.measure.name, each.when) == (side, measure, "final"))
        return next(found, None)


def answer_questions(data: AnswerData) -> tuple[QuestionAnswer, ...]:
    """Returns the answers to the three questions, in their order, by the measure that answers in this battle."""
    name = data.choice.measure.name
    boards = {side: data.board(side, name) for side in _QUESTIONS}
    first = [_best(data, board, _QUESTIONS[side]) for side, board in boards.items() if board is not None]
    shares = data.shares
    third = " ".join(part for part in (shares.answer, shares.components.answer) if part)
    if shares.difference is not None:
        third += f" Games are compared by the {data.choice.measure.words}."
    return (*first, QuestionAnswer("What matters more: drawing or describing?", third, shares.significant, name))


def _best(data: AnswerData, board: Leaderboard, question: str) -> QuestionAnswer:
    measure = board.measure
    if not board.rankable:
        return QuestionAnswer(question, f"This cannot be determined. {board.note}".rstrip(), False, measure.name)
    rows = board.overall[board.overall["mean"].notna()].to_dict("records")
    top = [str(row[board.names[0]]) for row in rows if abs(row["mean"] - rows[0]["mean"]) <= _SAME]
    near = indistinguishable_from_best(data.games, board.side, measure.name, board.when)
    unharmed = not_worse_than_paraphrase(data.games, data.controls, board.side, measure)
    rivals = [str(row[board.names[0]]) for row in rows if str(row[board.names[0]]) in {*near, *unharmed} - set(top)]
    said = _verdict(data, board, rows, top, rivals)
    sentences = [said, _unharmed(unharmed, near), _by_level(board), *_beside(data, board, top)]
    decided = len(top) == 1 and not rivals
    return QuestionAnswer(question, " ".join(part for part in sentences if part), decided, measure.name)


def _verdict(
    data: AnswerData, board: Leaderboard, rows: Sequence[Mapping[Any, Any]], top: list[str], rivals: list[str]
) -> str:
    """Returns the sentence that names the best model, or those that cannot be separated."""
    measure = board.measure
    numbers = f"({_number(rows[0], measure)}{_distance(data, board, top)}, {rows[0]['n']} prompts)"
    if len(top) == len(rows):
        whole = _WHOLE.get(measure.name, "have the best score") if _whole(rows[0]["mean"], measure) else ""
        end = f" They {whole}, so that these prompts cannot distinguish them." if whole else ""
        return f"No difference: {listed(top)} have the same score {numbers}.{end}"
    if len(top) > 1:
        rest = f", and not distinguishable from {listed(rivals)}" if rivals else ""
        return f"No single one: {listed(top)} are equal {numbers}{rest}."
    if rivals:
        return f"Perhaps {top[0]} {numbers}, but it is not distinguishable from {listed(rivals)}."
    return f"{top[0]} {_VERBS.get(measure.name, 'is first')} {numbers}."


def _unharmed(unharmed: list[str], near: list[str]) -> str:
    """Returns a sentence on models that are not worse than the line that only rewords."""
    if not unharmed:
        return ""
    verb = "are" if len(unharmed) > 1 else "is"
    lost = "have" if len(unharmed) > 1 else "has"
    return (
        f"{listed(unharmed)} {verb} not farther from the prompt than the control line that only rewords it, and "
        f"{lost} lost nothing that this measure can detect."
    )


def _beside(data: AnswerData, board: Leaderboard, top: list[str]) -> list[str]:
    """Returns sentences on what another measure says, and on the prompts that the answer covers."""
    choice, sentences = data.choice, []
    distance = data.board(board.side, DISTANCE) if choice.measure.name != DISTANCE else None
    if distance is not None and distance.rankable:
        row = distance.overall.iloc[0]
        nearest = str(row[board.names[0]])
        if nearest not in top:
            kind = "facts answer" if choice.measure.name == FACTS else "the calibrated similarity answers"
            sentences.append(
                f"By distance {nearest} is nearest ({_number(row, distance.measure)}): the measures disagree, and "
                f"{kind}, because a distance also grows with the wording."
            )
    if choice.covered < choice.prompts:
        sentences.append(f"This covers {choice.covered} of {choice.prompts} prompts; the others have no such score.")
    facts = data.board(board.side, FACTS) if choice.partly_counted else None
    if facts is not None and facts.rankable:
        sentences.append(f"This covers all {choice.prompts} prompts. {_by_facts(data, facts)}")
    if choice.measure.name == DISTANCE:
        sentences.append("What is kept of the meaning cannot be determined from distances that are not calibrated.")
    return sentences


def _by_facts(data: AnswerData, board: Leaderboard) -> str:
    rows = board.overall[board.overall["mean"].notna()].to_dict("records")
    top = [str(row[board.names[0]]) for row in rows if abs(row["mean"] - rows[0]["mean"]) <= _SAME]
    near = indistinguishable_from_best(data.games, board.side, FACTS, board.when)
    head = f"On the {data.choice.facts} whose facts are counted,"
    numbers = f"({_number(rows[0], board.measure)})"
    if len(top) > 1:
        return f"{head} {listed(top)} are equal {numbers}."
    if len(near) > 1:
        return f"{head} {top[0]} has the best mean {numbers}, not distinguishable from {listed(near[1:])}."
    return f"{head} {top[0]} keeps most {numbers}."


def _distance(data: AnswerData, board: Leaderboard, top: list[str]) -> str:
    """Returns the distance of the best model beside its score."""
    found = data.board(board.side, DISTANCE) if board.measure.name != DISTANCE and len(top) == 1 else None
    if found is None:
        return ""
    rows = found.overall[found.overall[board.names[0]] == top[0]]
    return "" if not len(rows) or np.isnan(rows["mean"].iloc[0]) else f", distance {rows['mean'].iloc[0]:.2f}"


def _number(row: Mapping[Any, Any] | pd.Series, measure: Measure) -> str:
    form = "{:.2f}".format if measure.name in (DISTANCE, SIMILARITY) else _percent
    interval = "" if row["low"] != row["low"] else f" [{form(row['low'])}, {form(row['high'])}]"
    number = f"{form(row['mean'])}{interval}"
    unit = _UNITS.get(measure.name, measure.words)
    return f"{number} {unit}" if measure.name == FACTS else f"{unit} {number}"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _whole(mean: float, measure: Measure) -> bool:
    """Returns whether a mean is the best possible score."""
    best = measure.limits[0] if measure.low_is_best else measure.limits[1]
    return abs(mean - best) <= _SAME


def listed(names: Sequence[str]) -> str:
    """Returns names as a list in words, such as `a, b and c`."""
    return ", ".join(names[:-1]) + (" and " if len(names) > 1 else "") + names[-1] if names else ""


def _by_level(board: Leaderboard) -> str:
    """Returns the models with the best mean of each level; equal means are named as such."""
    levels = [str(level) for level in board.table["level"].drop_duplicates() if level != ALL]
    if len(levels) < 2:
        return ""
    first: dict[str, str] = {}
    whole: list[str] = []
    equal: list[str] = []
    for level in levels:
        rows = board.table[(board.table["level"] == level) & board.table["mean"].notna()]
        best = rows["mean"].min() if board.measure.low_is_best else rows["mean"].max()
        names = [str(name) for name in rows.loc[(rows["mean"] - best).abs() <= _SAME, board.names[0]]]
        if len(names) > 1 and len(names) == len(rows):
            (whole if _whole(float(rows["mean"].iloc[0]), board.measure) else equal).append(level)
        elif names:
            first[level] = listed(names) + (" (equal)" if len(names) > 1 else "")
    words = []
    if first and len(first) == len(levels) and len(set(first.values())) == 1:
        words.append(f"Best mean at every level ({', '.join(levels)}): {next(iter(first.values()))}.")
    elif first:
        words.append(f"Best mean by level: {'; '.join(f'{level} {names}' for level, names in first.items())}.")
    if whole:
        words.append(f"All models {_WHOLE.get(board.measure.name, 'have the best score')} at {listed(whole)}.")
    if equal:
        words.append(f"All models are equal at {listed(equal)}.")
    return " ".join(words)
