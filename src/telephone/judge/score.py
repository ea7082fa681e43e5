"""Scores a run: what is new is judged and written, what was judged stays; stop it at any moment, go on later."""

from collections.abc import Callable
from dataclasses import dataclass

from telephone.judge.cases import Case, Judge, cases
from telephone.judge.distance import DistanceJudge
from telephone.judge.facts import FactsJudge
from telephone.players import Embedder
from telephone.players import embedder as embedder_at
from telephone.store import Run

DEFAULT_EMBEDDER = "minilm/all-MiniLM-L6-v2"

SEPARATOR = " #"
"""Between a judge's name and its fingerprint."""

Progress = Callable[[str, int, int], None]
"""Is told the judge's name, how many cases it has judged and how many there are; once at the start, once a chunk."""


@dataclass(frozen=True)
class Scored:
    """What one judge has done."""

    judge: str
    """What people call it."""
    identity: str
    """The name under which the run keeps its scores."""
    cases: int
    """Distinct pairs of description and prompt in the run."""
    new: int
    """How many of them were judged now."""
    unscored: int
    """How many of them have no number."""


def score(
    run: Run, embedder: str | Embedder | None = DEFAULT_EMBEDDER, facts: bool = True, progress: Progress | None = None
) -> list[Scored]:
    """Judges every description of a run that has not been judged yet.

    Args:
        run: The run, finished or not.
        embedder: An embedder of texts or its address; None leaves distances out.
        facts: Whether to count facts too, where a prompt is wholly in words of the pocket world.
        progress: Is told how far it is.

    Returns:
        One entry a judge.

    Raises:
        UsageError: the embedder is unknown, or embeds no texts.
        WeightsError: its weights are missing.
        PlayerError: it does not return vectors.
        StoreError: the scores cannot be written.
    """
    found = cases(run.frame())
    judges: list[Judge] = []
    if embedder is not None:
        judges.append(DistanceJudge(embedder_at(embedder) if isinstance(embedder, str) else embedder))
    if facts:
        judges.append(FactsJudge())
    return [_hear(run, judge, found, progress or _silent) for judge in judges]


def _hear(run: Run, judge: Judge, found: list[Case], progress: Progress) -> Scored:
    identity = _identity(run, judge)
    there = {(each.subject, each.reference) for each in run.scores(identity)}
    new = [case for case in found if (case.subject, case.reference) not in there]
    done = len(found) - len(new)
    progress(judge.name, done, len(found))
    if new:
        for scores in judge.judge(new):
            run.put_scores(identity, scores)
            done += len({(each.subject, each.reference) for each in scores})
            progress(judge.name, done, len(found))
    wanted = {(case.subject, case.reference) for case in found}
    valued = {(each.subject, each.reference) for each in run.scores(identity) if each.value is not None}
    return Scored(judge.name, identity, len(found), len(new), len(wanted - valued))


def _identity(run: Run, judge: Judge) -> str:
    """Returns the name under which the run keeps the scores: one fingerprint is one judge, however it is called."""
    known = {identity.rpartition(SEPARATOR)[2]: identity for identity in reversed(run.judges())}
    return known.get(judge.fingerprint, f"{judge.name}{SEPARATOR}{judge.fingerprint}")


def _silent(name: str, done: int, total: int) -> None:
    return
