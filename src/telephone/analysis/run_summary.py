"""Everything that a leaderboard or a report says of a run, computed once: counts, answers, tables and warnings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

import pandas as pd

from telephone.analysis.convergence.overview import Convergence, TextSpace, convergence, space_of
from telephone.analysis.inference.bradley_terry import bradley_terry
from telephone.analysis.inference.oracle_swaps import Gain, Swaps, oracle_swaps, swap_gains
from telephone.analysis.inference.pairwise import differences
from telephone.analysis.inference.question_answers import QuestionAnswer, answers
from telephone.analysis.inference.variance_shares import WhichMatters, which_matters
from telephone.analysis.tables.control_lines import controls_table
from telephone.analysis.tables.leaderboards import SIDES, Leaderboard, Side, leaderboard
from telephone.analysis.tables.score_frames import MEASURES, WHENS, battle, by_game, scored
from telephone.analysis.tables.turn_means import by_step, levels_of
from telephone.core.errors import UsageError

if TYPE_CHECKING:
    from telephone.store import Run

FEW_PROMPTS = 30
"""Below this many, a reader is told that only large differences can be seen."""


@dataclass(frozen=True)
class Counts:
    """How many games and descriptions there are, and how they stand."""

    planned: int
    """Games."""
    finished: int
    failed: int
    refused: int
    unfinished: int
    """Games that are still to be played, or are in play."""
    descriptions: int
    """Texts that were made."""
    undistanced: int
    """Of these, without a distance."""
    unfacted: int
    """Of these, without counted facts."""
    tokens_cut: int
    """Tokens that players could not take in."""


@dataclass(frozen=True)
class RunSummary:
    """A run in numbers; tables are explained by the functions that make them."""

    counts: Counts
    t2i_models: tuple[str, ...]
    i2t_models: tuple[str, ...]
    levels: tuple[str, ...]
    turns: int
    prompts: int
    judges: tuple[str, ...]
    """Who has judged, with fingerprints."""
    answers: tuple[QuestionAnswer, ...]
    """To the three questions of the battle."""
    boards: tuple[Leaderboard, ...]
    """By measure (distance, then facts if there are any), time and side."""
    matters: WhichMatters
    drift: pd.DataFrame
    """`by_step` of the distance."""
    facts: pd.DataFrame
    """`by_step` of the share of facts kept; empty if no prompt has facts that can be counted."""
    frame: pd.DataFrame
    """One row a turn, as `scored`; the battle alone."""
    games: pd.DataFrame
    """One row a game, as `by_game`; the battle alone."""
    warnings: tuple[str, ...]
    """Sentences that a reader must know before the numbers."""
    beside: pd.DataFrame = field(default_factory=pd.DataFrame)
    """One row a turn of the control lines, which are in nothing above; empty if none were played."""
    space: TextSpace | None = None
    """Vectors in which texts are compared with each other; None takes their words."""

    @property
    def counted(self) -> bool:
        """Whether facts of the prompts could be counted."""
        return len(self.facts) > 0

    @cached_property
    def differences(self) -> dict[Side, pd.DataFrame]:
        """Every two models compared by the distance after the last turn, as `differences`."""
        return {side: differences(self.games, side) for side in SIDES[:2]}

    @cached_property
    def bradley_terry(self) -> dict[Side, pd.DataFrame]:
        """The second opinion on the ranking, as `bradley_terry`."""
        return {side: bradley_terry(self.games, side) for side in SIDES[:2]}

    @cached_property
    def gains(self) -> dict[Side, Gain | None]:
        """What the best model of each side keeps more than the worst."""
        return {side: swap_gains(self.games, side) for side in SIDES[:2]}

    @cached_property
    def swaps(self) -> Swaps:
        """What each side loses with a perfect partner: by facts where they are counted, else by distance."""
        told = pd.concat([self.frame, self.beside]) if len(self.beside) else self.frame
        return oracle_swaps(by_game(told, self.turns or None), "recall" if self.counted else "distance")

    @cached_property
    def controls(self) -> pd.DataFrame:
        """The control lines by turn, as `controls_table`, of the distance."""
        return controls_table(self.beside)

    @cached_property
    def convergence(self) -> Convergence:
        """Whether games settle, and where: in the vectors of a judge, or by the words of texts if there are none."""
        if self.space is None:
            return convergence(self.frame)
        return convergence(self.frame, self.space.vectors, self.space.floor, self.space.name)

    def board(self, side: Side, measure: str = "distance", when: str = "final") -> Leaderboard:
        """Returns one leaderboard.

        Raises:
            UsageError: this run has none of this kind.
        """
        for board in self.boards:
            if (board.side, board.measure.name, board.when) == (side, measure, when):
                return board
        raise UsageError(f"This run has no leaderboard of {measure} ({when}) for {side}: score it first.")


def summary(run: Run, distance_judge: str | None = None, frame: pd.DataFrame | None = None) -> RunSummary:
    """Returns the summary of a run, finished or not, scored or not.

    Args:
        run: The run.
        distance_judge: Part of the name of the judge of distances, where several have judged.
        frame: `run.frame()`, if the caller has it already.

    Raises:
        UsageError: no judge, or more than one, has such a name.
    """
    frame = scored(run, distance_judge, frame)
    marks = run.spec.control_lines
    planned = sum((game.t2i, game.i2t) not in marks for game in run.games())
    found = summarise(frame, planned, run.spec.turns, tuple(run.judges()))
    return replace(found, space=space_of(run, found.frame, distance_judge or ""))


def summarise(
    frame: pd.DataFrame, planned: int | None = None, turns: int | None = None, judges: Sequence[str] = ()
) -> RunSummary:
    """Returns the summary of a frame of turns, such as one that was exported and read back.

    Args:
        frame: One row a turn, as `scored` gives it; control lines are kept apart.
        planned: Number of games of the battle; None is those of the frame.
        turns: Turns of a whole game; None is the most that a game of the frame has.
        judges: Who has judged.

    Raises:
        UsageError: a column is missing.
    """
    everything, frame = frame, battle(frame)
    games = by_game(frame, turns)
    counts = _counts(frame, games, planned)
    facts = by_step(frame, "recall")
    counted = bool(facts["n"].sum()) if len(facts) else False
    measures = ["distance", *(name for name in MEASURES if name != "distance" and counted)]
    boards = tuple(leaderboard(games, side, name, when) for name in measures for when in WHENS for side in SIDES)
    matters = which_matters(games)
    return RunSummary(
        counts=counts,
        t2i_models=tuple(sorted(str(name) for name in games["t2i_model"].unique())),
        i2t_models=tuple(sorted(str(name) for name in games["i2t_model"].unique())),
        levels=tuple(levels_of(games)),
        turns=turns if turns is not None else int(frame["step_number"].max()) + 1 if len(frame) else 0,
        prompts=int(games["prompt_id"].nunique()),
        judges=tuple(judges),
        answers=answers(games, boards[: len(SIDES)], matters),
        boards=boards,
        matters=matters,
        drift=by_step(frame, "distance"),
        facts=facts if counted else facts.iloc[:0],
        frame=frame,
        games=games,
        warnings=(*_warnings(counts, games), *([matters.general.warning] if matters.general.warning else [])),
        beside=everything.drop(frame.index) if len(everything) > len(frame) else everything.iloc[:0],
    )


def _counts(frame: pd.DataFrame, games: pd.DataFrame, planned: int | None) -> Counts:
    ends = games["outcome"].value_counts()
    finished, failed, refused = (int(ends.get(end, 0)) for end in ("ok", "failed", "refused"))
    total = len(games) if planned is None else planned
    made = frame["text_after"].notna() if "text_after" in frame.columns else frame["outcome"] == "ok"
    return Counts(
        planned=total,
        finished=finished,
        failed=failed,
        refused=refused,
        unfinished=total - finished - failed - refused,
        descriptions=int(made.sum()),
        undistanced=_without(frame[made], "text_after_dist"),
        unfacted=_without(frame[made], "facts_recall"),
        tokens_cut=int(frame["tokens_cut"].sum()) if "tokens_cut" in frame.columns else 0,
    )


def _without(frame: pd.DataFrame, column: str) -> int:
    return int(frame[column].isna().sum()) if column in frame.columns else len(frame)


def _warnings(counts: Counts, games: pd.DataFrame) -> list[str]:
    told = []
    broken = counts.failed + counts.refused
    if broken:
        told.append(
            f"{broken} of {counts.planned} games broke off ({counts.failed} failed, {counts.refused} refused); they "
            "are in no leaderboard, which flatters a model that breaks off where others go on."
        )
    if counts.unfinished:
        told.append(f"{counts.unfinished} of {counts.planned} games are still to be played.")
    if counts.undistanced:
        told.append(f"{counts.undistanced} of {counts.descriptions} descriptions have no distance; they are not 0.")
    if 0 < counts.unfacted < counts.descriptions:
        share = f"{counts.descriptions - counts.unfacted} of {counts.descriptions} descriptions"
        told.append(f"Facts are counted for {share}: only prompts in words of the pocket world have facts.")
    if counts.tokens_cut:
        told.append(f"{counts.tokens_cut} tokens were cut off because a player could not take in the whole text.")
    return told + _few(games)


def _few(games: pd.DataFrame) -> list[str]:
    prompts = games.drop_duplicates("prompt_id")
    sizes = prompts.groupby("level").size()
    single = [level for level in levels_of(games) if sizes[level] == 1]
    told = []
    if single:
        told.append(f"{' and '.join(single).capitalize()}: one prompt has no interval.")
    if 0 < len(prompts) < FEW_PROMPTS:
        told.append(f"With {len(prompts)} prompts only large differences between models can be told from chance.")
    return told
