"""The summary of a run, computed once: counts, answers, leaderboards, tables and warnings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

import pandas as pd

from telephone.analysis.convergence.overview import Convergence, TextSpace, analyse_convergence, text_space_of
from telephone.analysis.convergence.rest_evidence import RestEvidence, rest_evidence
from telephone.analysis.inference.bootstrap import MIN_PROMPTS
from telephone.analysis.inference.bradley_terry import bradley_terry
from telephone.analysis.inference.oracle_swaps import OracleSwaps, SwapGain, oracle_swaps, swap_gain
from telephone.analysis.inference.pairwise import pairwise_differences
from telephone.analysis.inference.question_answers import AnswerData, QuestionAnswer, answer_questions, listed
from telephone.analysis.inference.variance_shares import VarianceShares, variance_shares
from telephone.analysis.tables.control_lines import control_means
from telephone.analysis.tables.leaderboards import Leaderboard, leaderboard
from telephone.analysis.tables.measure_choice import MeasureChoice, choose_measure
from telephone.analysis.tables.prompt_information import information_warnings, prompt_information
from telephone.analysis.tables.prompt_scores import SIDES, Side
from telephone.analysis.tables.score_frames import (
    MEASURES,
    WHENS,
    Measure,
    game_scores,
    ordered_levels,
    scored_frame,
    turn_means,
    without_controls,
)
from telephone.analysis.tables.unread_texts import unread_notes
from telephone.core.errors import UsageError

if TYPE_CHECKING:
    from telephone.store import Run

DERIVED = ("f1", "complete")
"""Measures that follow from the others; they have leaderboards after the last turn alone."""
FEW_PROMPTS = 30
"""Below this number of prompts a warning states that only large differences are detectable."""


@dataclass(frozen=True)
class Counts:
    """Numbers of games and descriptions by state."""

    planned: int
    """Games."""
    finished: int
    failed: int
    refused: int
    unfinished: int
    """Games that are not finished."""
    descriptions: int
    """Texts that models made."""
    undistanced: int
    """Of these, without a distance."""
    unfacted: int
    """Of these, without counted facts."""
    tokens_cut: int
    """Tokens that exceeded the context of a model."""


@dataclass(frozen=True)
class RunSummary:
    """The statistics of a run; the functions that make the tables document their columns."""

    counts: Counts
    t2i_models: tuple[str, ...]
    i2t_models: tuple[str, ...]
    levels: tuple[str, ...]
    turns: int
    prompts: int
    judges: tuple[str, ...]
    """The judges of the run, with fingerprints."""
    answers: tuple[QuestionAnswer, ...]
    """To the three questions of the battle."""
    leaderboards: tuple[Leaderboard, ...]
    """By measure (that of the answers first), time and side."""
    choice: MeasureChoice
    """The measure that answers the questions."""
    variance_shares: VarianceShares
    """By the measure that answers."""
    drift: pd.DataFrame
    """`turn_means` of the distance."""
    facts: pd.DataFrame
    """`turn_means` of the share of facts kept; empty if no prompt has facts that can be counted."""
    frame: pd.DataFrame
    """One row a turn, as `scored_frame`; the battle alone."""
    games: pd.DataFrame
    """One row a game, as `game_scores`; the battle alone."""
    warnings: tuple[str, ...]
    """Caveats, in sentences."""
    control_frame: pd.DataFrame = field(default_factory=pd.DataFrame)
    """One row a turn of the control lines, which are excluded from everything above; empty if none were played."""
    text_space: TextSpace | None = None
    """Vector space of texts; None takes bags of words."""
    rest_evidence: RestEvidence | None = None
    """What it says that games come to rest; None for a frame whose run is unknown."""

    @property
    def counted(self) -> bool:
        """Whether facts of the prompts could be counted."""
        return len(self.facts) > 0

    @property
    def primary(self) -> Measure:
        """The measure that answers the questions, orders the boards and is used by every comparison of models."""
        return self.choice.measure

    @cached_property
    def pairwise_differences(self) -> dict[Side, pd.DataFrame]:
        """Differences of each two models after the last turn by the primary measure, as `pairwise_differences`."""
        return {side: pairwise_differences(self.games, side, self.primary.name) for side in SIDES[:2]}

    @cached_property
    def bradley_terry(self) -> dict[Side, pd.DataFrame]:
        """Bradley-Terry strengths by side and the primary measure, as `bradley_terry`."""
        return {side: bradley_terry(self.games, side, self.primary.name) for side in SIDES[:2]}

    @cached_property
    def swap_gains(self) -> dict[Side, SwapGain | None]:
        """The gain of the best over the worst model of each side, by the primary measure.

        The interval is the adjusted one of `pairwise_differences`: the two models are chosen by their scores.
        """
        return {side: self._adjusted_gain(side) for side in SIDES[:2]}

    def _adjusted_gain(self, side: Side) -> SwapGain | None:
        found = swap_gain(self.games, side, self.primary.name)
        pairs = self.pairwise_differences[side]
        if found is None or pairs.empty:
            return found
        both = {found.best, found.worst}
        own = pairs[(pairs["level"] == pairs["level"].iloc[-1]) & pairs["one"].isin(both) & pairs["other"].isin(both)]
        if own.empty:
            return replace(found, low=float("nan"), high=float("nan"))
        low, high = float(own["low_adjusted"].iloc[0]), float(own["high_adjusted"].iloc[0])
        if (own["one"].iloc[0] == found.best) == self.primary.low_is_best:
            low, high = -high, -low
        return replace(found, low=low, high=high)

    @cached_property
    def oracle_swaps(self) -> OracleSwaps:
        """The loss of each side with a lossless partner, by the primary measure."""
        everything = pd.concat([self.frame, self.control_frame]) if len(self.control_frame) else self.frame
        return oracle_swaps(game_scores(everything, self.turns or None), self.primary.name)

    @cached_property
    def prompt_information(self) -> pd.DataFrame:
        """How far the pairs are apart on each prompt, by the primary measure."""
        return prompt_information(self.games, self.primary.name)

    @cached_property
    def control_means(self) -> pd.DataFrame:
        """The control lines by turn, as `control_means`, of the distance."""
        return control_means(self.control_frame)

    @cached_property
    def convergence(self) -> Convergence:
        """Convergence of the games, in the vectors of an embedder, or in bags of words without one."""
        space, evidence = self.text_space, self.rest_evidence
        if space is None:
            return analyse_convergence(self.frame, evidence=evidence)
        found = analyse_convergence(self.frame, space.vectors, space.floor, space.name, evidence)
        return replace(found, caution=space.caution)

    def leaderboard(self, side: Side, measure: str = "", when: str = "final") -> Leaderboard:
        """Returns one leaderboard; by the primary measure unless another is named.

        Raises:
            UsageError: there is no such leaderboard.
        """
        measure = measure or self.primary.name
        for board in self.leaderboards:
            if (board.side, board.measure.name, board.when) == (side, measure, when):
                return board
        raise UsageError(f"This run has no leaderboard of {measure} ({when}) for {side}: run `telephone judge` first.")


def summarise(run: Run, distance_judge: str | None = None, frame: pd.DataFrame | None = None) -> RunSummary:
    """Returns the summary of a run at any stage.

    Args:
        run: The run.
        distance_judge: Part of the name of the judge of distances, where there are several.
        frame: `run.frame()`, if the caller has it already.

    Raises:
        UsageError: no judge, or more than one, has such a name.
    """
    frame = scored_frame(run, distance_judge, frame)
    marks = run.spec.control_lines
    planned = sum((game.t2i, game.i2t) not in marks for game in run.games())
    found = summarise_frame(frame, planned, run.spec.turns, tuple(row.identity for row in run.scorers()))
    return replace(
        found,
        text_space=text_space_of(run, found.frame, distance_judge or ""),
        rest_evidence=rest_evidence(run.spec),
        warnings=(*found.warnings, *unread_notes(run, distance_judge)),
    )


def summarise_frame(
    frame: pd.DataFrame, planned: int | None = None, turns: int | None = None, judges: Sequence[str] = ()
) -> RunSummary:
    """Returns the summary of a frame of turns, such as an exported table.

    Args:
        frame: One row a turn, as `scored_frame` gives it; control lines are kept apart.
        planned: Number of games of the battle; None is those of the frame.
        turns: Turns of a complete game; None is the maximum in the frame.
        judges: Identities of the judges.

    Raises:
        UsageError: a column is missing.
    """
    everything, frame = frame, without_controls(frame)
    games = game_scores(frame, turns)
    counts = _counts(frame, games, planned)
    facts = turn_means(frame, "recall")
    counted = bool(facts["n"].sum()) if len(facts) else False
    choice = choose_measure(games)
    leaderboards = tuple(
        leaderboard(games, side, name, when)
        for name in _measures(games, choice.measure.name)
        for when in WHENS
        if when == "final" or name not in DERIVED
        for side in SIDES
    )
    shares = variance_shares(games, choice.measure.name)
    control_frame = everything.drop(frame.index) if len(everything) > len(frame) else everything.iloc[:0]
    controls = game_scores(control_frame, turns or _turns(frame)) if len(control_frame) else None
    return RunSummary(
        counts=counts,
        t2i_models=tuple(sorted(str(name) for name in games["t2i_model"].unique())),
        i2t_models=tuple(sorted(str(name) for name in games["i2t_model"].unique())),
        levels=tuple(ordered_levels(games)),
        turns=turns if turns is not None else _turns(frame),
        prompts=int(games["prompt_id"].nunique()),
        judges=tuple(judges),
        answers=answer_questions(AnswerData(games, leaderboards, shares, choice, controls)),
        leaderboards=leaderboards,
        choice=choice,
        variance_shares=shares,
        drift=turn_means(frame, "distance"),
        facts=facts if counted else facts.iloc[:0],
        frame=frame,
        games=games,
        warnings=(
            *_warnings(counts, games),
            *information_warnings(games, choice.measure.name),
            *([shares.components.warning] if shares.components.warning else []),
        ),
        control_frame=control_frame,
    )


def _measures(games: pd.DataFrame, primary: str) -> list[str]:
    """Returns the measures that have leaderboards: the primary one, the distance, and all others with a score."""
    others = ["distance", *(name for name in MEASURES if games[f"{name}_final"].notna().any())]
    return list(dict.fromkeys([primary, *others]))


def _turns(frame: pd.DataFrame) -> int:
    return int(frame["step_number"].max()) + 1 if len(frame) else 0


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
            f"{broken} of {counts.planned} games stopped early ({counts.failed} failed, {counts.refused} "
            "refused). They are in no leaderboard, which favours a model that stops where others continue."
        )
    if counts.unfinished:
        sentences.append(f"{counts.unfinished} of {counts.planned} games are not finished.")
    if counts.undistanced:
        sentences.append(
            f"{counts.undistanced} of {counts.descriptions} descriptions have no distance; they do not count as 0."
        )
    if 0 < counts.unfacted < counts.descriptions:
        share = f"{counts.descriptions - counts.unfacted} of {counts.descriptions} descriptions"
        sentences.append(f"Facts are counted for {share}: only prompts of the pocket world have facts.")
    if counts.tokens_cut:
        sentences.append(f"{counts.tokens_cut} tokens were cut because a text exceeded the context of a model.")
    return sentences + _few(games)


def _few(games: pd.DataFrame) -> list[str]:
    prompts = games.drop_duplicates("prompt_id")
    sizes = prompts.groupby("level").size()
    few = [level for level in ordered_levels(games) if sizes[level] < MIN_PROMPTS]
    sentences = []
    if few:
        sentences.append(
            f"{listed(few).capitalize()}: fewer than {MIN_PROMPTS} prompts a level are too few for the interval of a "
            "mean."
        )
    if 0 < len(prompts) < FEW_PROMPTS:
        many = f"{len(prompts)} prompt" + "s" * (len(prompts) > 1)
        sentences.append(f"With {many} only large differences between models are significant.")
    return sentences
