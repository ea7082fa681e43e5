"""Scores a run: what is new is judged and written, what was judged stays; stop it at any moment, go on later."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from telephone.judge import calibration
from telephone.judge.cases import Case, Judge, cases
from telephone.judge.distance import DistanceJudge
from telephone.judge.facts import FactsJudge, why_uncounted
from telephone.judge.picture_facts import PictureFactsJudge, picture_cases
from telephone.judge.vectors import Told, Vectors, takes
from telephone.models import Embedder, name_of
from telephone.models import embedder as embedder_at
from telephone.store import Run, ScorerKind, ScorerRow

if TYPE_CHECKING:
    import pandas as pd

DEFAULT_EMBEDDER = "minilm/all-MiniLM-L6-v2"
POCKET_EMBEDDER = "pocket/clip"
"""The second one where all prompts are of the pocket world: it knows nothing else, and it sees pictures."""

Progress = Callable[[str, int, int], None]
"""Is told the judge's name, how many cases it has judged and how many there are; once at the start, once a chunk."""
Embedders = str | Embedder | Sequence[str | Embedder]


@dataclass(frozen=True)
class Scored:
    """What one judge has done."""

    judge: str
    """What people call it."""
    identity: str
    """The name under which the run keeps its scores, or its vectors."""
    cases: int
    """Distinct pairs of description and prompt in the run, or distinct pictures."""
    new: int
    """How many of them were judged now."""
    unscored: int
    """How many of them have no number."""


def score(
    run: Run,
    embedder: Embedders | None = DEFAULT_EMBEDDER,
    facts: bool = True,
    progress: Progress | None = None,
    full: bool = False,
    turns: "pd.DataFrame | None" = None,
) -> list[Scored]:
    """Judges every description of a run that has not been judged yet.

    Args:
        run: The run, finished or not.
        embedder: One or more embedders or their addresses; None leaves distances out.
        facts: Whether to count facts too, where a prompt is wholly in words of the pocket world.
        progress: Is told how far it is.
        full: Whether to do all that a report can show: pictures are embedded by those that can, and their facts are
            read, and each embedder is told the distance of two tellings of one scene.
        turns: `run.turns()`, if the caller has it already and nothing was played since.

    Returns:
        One entry a judge: distances first, each embedder's pictures behind its distances, facts last.

    Raises:
        UsageError: an embedder is unknown, or embeds no texts (with `full`: neither texts nor pictures).
        WeightsError: weights are missing.
        ModelError: an embedder does not return vectors.
        StoreError: the scores cannot be written.
    """
    frame = run.turns() if turns is None else turns
    told = progress or _silent
    done = [found for each in _embedders(embedder) for found in _measure(run, each, frame, told, full)]
    if facts:
        done.append(_hear(run, FactsJudge(), cases(frame), told))
    if facts and full:
        done.append(_hear(run, PictureFactsJudge(run), picture_cases(frame), told))
    return done


def usual_embedders(run: Run) -> tuple[str, ...]:
    """Returns the addresses of the embedders that judge a run if nobody names others."""
    known = all(not why_uncounted(prompt.text) for prompt in run.spec.prompts)
    return (DEFAULT_EMBEDDER, POCKET_EMBEDDER) if known else (DEFAULT_EMBEDDER,)


def _embedders(given: Embedders | None) -> list[Embedder]:
    if given is None:
        return []
    several = [given] if isinstance(given, str | Embedder) else list(given)
    return [embedder_at(each) if isinstance(each, str) else each for each in several]


def _measure(run: Run, embedder: Embedder, frame: "pd.DataFrame", progress: Progress, full: bool) -> list[Scored]:
    vectors = Vectors(embedder, run)
    kinds = takes(embedder)
    done = []
    if "text" in kinds or not full:
        done.append(_hear(run, DistanceJudge(embedder, vectors), cases(frame), progress))
    if full:
        _remaining_texts(vectors, frame, kinds)
        if "image" in kinds:
            done.append(_embed_pictures(run, vectors, frame, progress))
        calibration.measure(run, vectors, _named(f"floor of {name_of(embedder)}", progress))
    return done


def _remaining_texts(vectors: Vectors, frame: "pd.DataFrame", kinds: tuple[str, ...]) -> None:
    """Descriptions that are compared with no prompt are compared with pictures and with each other."""
    if "text" in kinds:
        vectors.texts(frame["text_after"].dropna().unique())
        vectors.texts(frame.loc[frame["first"] == "text", "prompt"].unique())


def _embed_pictures(run: Run, vectors: Vectors, frame: "pd.DataFrame", progress: Progress) -> Scored:
    starts = frame.loc[frame["first"] == "image", "prompt_sha256"]
    pictures = [str(sha) for sha in dict.fromkeys([*frame["image_sha256"].dropna(), *starts])]
    name = f"pictures by {name_of(vectors.embedder)}"
    new = len(set(pictures) - vectors.seen)
    vectors.pictures(pictures, _named(name, progress))
    unscored = sum(sha not in vectors.known for sha in pictures)
    return Scored(name, vectors.row.identity, len(pictures), new, unscored)


def _named(name: str, progress: Progress) -> Told:
    return lambda done, total: progress(name, done, total)


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
    return Scored(judge.name, identity.identity, len(found), len(new), len(wanted - valued))


def _identity(run: Run, judge: Judge) -> ScorerRow:
    """Returns the name under which the run keeps the scores: one fingerprint is one judge, however it is called."""
    kind = ScorerKind(getattr(judge, "kind", ScorerKind.DISTANCE))
    known = {row.fingerprint: row for row in reversed(run.scorers(kind))}
    model = judge.name.removeprefix("distance by ") if kind is ScorerKind.DISTANCE else getattr(judge, "model", "")
    return known.get(judge.fingerprint, ScorerRow(kind, judge.name, judge.fingerprint, model))


def _silent(name: str, done: int, total: int) -> None:
    return
