"""Everything that a leaderboard or a report says of a run, computed once: counts, answers, tables and warnings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

import pandas as pd

from telephone.analysis.convergence.overview import Convergence, TextSpace, analyse_convergence, text_space_of
from telephone.analysis.inference.bradley_terry import bradley_terry
from telephone.analysis.inference.oracle_swaps import OracleSwaps, SwapGain, oracle_swaps, swap_gain
from telephone.analysis.inference.pairwise import pairwise_differences
from telephone.analysis.inference.question_answers import QuestionAnswer, answer_questions
from telephone.analysis.inference.variance_shares import VarianceShares, variance_shares
from telephone.analysis.tables.control_lines import control_means
from telephone.analysis.tables.leaderboards import SIDES, Leaderboard, Side, leaderboard
from telephone.analysis.tables.score_frames import (
    MEASURES,
    WHENS,
    game_scores,
    ordered_levels,
    scored_frame,
    turn_means,
    without_controls,
)
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
    leaderboards: tuple[Leaderboard, ...]
    """By measure (distance, then facts if there are any), time and side."""
    variance_shares: VarianceShares
    drift: pd.DataFrame
    """`turn_means` of the distance."""
    facts: pd.DataFrame
    """`turn_means` of the share of facts kept; empty if no prompt has facts that can be counted."""
    frame: pd.DataFrame
    """One row a turn, as `scored_frame`; the battle alone."""
    games: pd.DataFrame
    """One row a game, as `game_scores`; the battle alone."""
    warnings: tuple[str, ...]
    """Sentences that a reader must know before the numbers."""
    control_frame: pd.DataFrame = field(default_factory=pd.DataFrame)
    """One row a turn of the control lines, which are in nothing above; empty if none were played."""
    text_space: TextSpace | None = None
    """Vectors in which texts are compared with each other; None takes their words."""

    @property
    def counted(self) -> bool:
        """Whether facts of the prompts could be counted."""
        return len(self.facts) > 0

    @cached_property
    def pairwise_differences(self) -> dict[Side, pd.DataFrame]:
        """Every two models compared by the distance after the last turn, as `pairwise_differences`."""
        return {side: pairwise_differences(self.games, side) for side in SIDES[:2]}

    @cached_property
    def bradley_terry(self) -> dict[Side, pd.DataFrame]:
        """The second opinion on the ranking, as `bradley_terry`."""
        return {side: bradley_terry(self.games, side) for side in SIDES[:2]}

    @cached_property
    def swap_gains(self) -> dict[Side, SwapGain | None]:
        """What the best model of each side keeps more than the worst."""
        return {side: swap_gain(self.games, side) for side in SIDES[:2]}

    @cached_property
    def oracle_swaps(self) -> OracleSwaps:
        """What each side loses with a perfect partner: by facts where they are counted, else by distance."""
        everything = pd.concat([self.frame, self.control_frame]) if len(self.control_frame) else self.frame
        return oracle_swaps(game_scores(everything, self.turns or None), "recall" if self.counted else "distance")

    @cached_property
    def control_means(self) -> pd.DataFrame:
        """The control lines by turn, as `control_means`, of the distance."""
        return control_means(self.control_frame)

    @cached_property
    def convergence(self) -> Convergence:
        """Whether games settle, and where: in the vectors of a judge, or by the words of texts if there are none."""
        if self.text_space is None:
            return analyse_convergence(self.frame)
        return analyse_convergence(self.frame, self.text_space.vectors, self.text_space.floor, self.text_space.name)

    def leaderboard(self, side: Side, measure: str = "distance", when: str = "final") -> Leaderboard:
        """Returns one leaderboard.

        Raises:
            UsageError: this run has none of this kind.
        """
        for board in self.leaderboards:
            if (board.side, board.measure.name, board.when) == (side, measure, when):
                return board
        raise UsageError(f"This run has no leaderboard of {measure} ({when}) for {side}: score it first.")


def summarise(run: Run, distance_judge: str | None = None, frame: pd.DataFrame | None = None) -> RunSummary:
    """Returns the summary of a run, finished or not, scored or not.

    Args:
        run: The run.
        distance_judge: Part of the name of the judge of distances, where several have judged.
        frame: `run.frame()`, if the caller has it already.

    Raises:
        UsageError: no judge, or more than one, has such a name.
    """
    frame = scored_frame(run, distance_judge, frame)
    marks = run.spec.control_lines
    planned = sum((game.t2i, game.i2t) not in marks for game in run.games())
    found = summarise_frame(frame, planned, run.spec.turns, tuple(row.identity for row in run.scorers()))
    return replace(found, text_space=text_space_of(run, found.frame, distance_judge or ""))


def summarise_frame(
    frame: pd.DataFrame, planned: int | None = None, turns: int | None = None, judges: Sequence[str] = ()
) -> RunSummary:
    """Returns the summary of a frame of turns, such as one that was exported and read back.

    Args:
        frame: One row a turn, as `scored_frame` gives it; control lines are kept apart.
        planned: Number of games of the battle; None is those of the frame.
        turns: Turns of a whole game; None is the most that a game of the frame has.
        judges: Who has judged.

    Raises:
        UsageError: a column is missing.
    """
    everything, frame = frame, without_controls(frame)
    games = game_scores(frame, turns)
    counts = _counts(frame, games, planned)
    facts = turn_means(frame, "recall")
    counted = bool(facts["n"].sum()) if len(facts) else False
    measures = ["distance", *(name for name in MEASURES if name != "distance" and counted)]
    leaderboards = tuple(leaderboard(games, side, name, when) for name in measures for when in WHENS for side in SIDES)
    shares = variance_shares(games)
    return RunSummary(
        counts=counts,
        t2i_models=tuple(sorted(str(name) for name in games["t2i_model"].unique())),
        i2t_models=tuple(sorted(str(name) for name in games["i2t_model"].unique())),
        levels=tuple(ordered_levels(games)),
        turns=turns if turns is not None else int(frame["step_number"].max()) + 1 if len(frame) else 0,
        prompts=int(games["prompt_id"].nunique()),
        judges=tuple(judges),
        answers=answer_questions(games, leaderboards[: len(SIDES)], shares),
        leaderboards=leaderboards,
        variance_shares=shares,
        drift=turn_means(frame, "distance"),
        facts=facts if counted else facts.iloc[:0],
        frame=frame,
        games=games,
        warnings=(*_warnings(counts, games), *([shares.components.warning] if shares.components.warning else [])),
        control_frame=everything.drop(frame.index) if len(everything) > len(frame) else everything.iloc[:0],
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
    sentences = []
    broken = counts.failed + counts.refused
    if broken:
        sentences.append(
            f"{broken} of {counts.planned} games broke off ({counts.failed} failed, {counts.refused} refused); they "
            "are in no leaderboard, which flatters a model that breaks off where others go on."
        )
    if counts.unfinished:
        sentences.append(f"{counts.unfinished} of {counts.planned} games are still to be played.")
    if counts.undistanced:
        sentences.append(
            f"{counts.undistanced} of {counts.descriptions} descriptions have no distance; they are not 0."
        )
    if 0 < counts.unfacted < counts.descriptions:
        share = f"{counts.descriptions - counts.unfacted} of {counts.descriptions} descriptions"
        sentences.append(f"Facts are counted for {share}: only prompts in words of the pocket world have facts.")
    if counts.tokens_cut:
        sentences.append(f"{counts.tokens_cut} tokens were cut off because a player could not take in the whole text.")
    return sentences + _few(games)


def _few(games: pd.DataFrame) -> list[str]:
    prompts = games.drop_duplicates("prompt_id")
    sizes = prompts.groupby("level").size()
    single = [level for level in ordered_levels(games) if sizes[level] == 1]
    sentences = []
    if single:
        sentences.append(f"{' and '.join(single).capitalize()}: one prompt has no interval.")
    if 0 < len(prompts) < FEW_PROMPTS:
        sentences.append(f"With {len(prompts)} prompts only large differences between models can be told from chance.")
    return sentences
