"""Scores a run by all usual scorers: only what is missing; it may be stopped at any moment and continued later."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from telephone.judge.calibration import add_floors
from telephone.judge.cases import image_cases, text_cases
from telephone.judge.distance import DistanceScorer
from telephone.judge.image_facts import ImageFactsScorer
from telephone.judge.scorer import Progress, Scored, named, run_scorer
from telephone.judge.text_facts import TextFactsScorer, why_uncounted
from telephone.judge.vectors import Vectors, embedded_kinds
from telephone.models import Embedder, name_of
from telephone.models import embedder as embedder_at
from telephone.store import Run

if TYPE_CHECKING:
    import pandas as pd

DEFAULT_EMBEDDER = "use/multilingual"
POCKET_EMBEDDER = "pocket/clip"
"""The second one for prompts of the pocket world: it knows nothing else, and it embeds images too."""

Embedders = str | Embedder | Sequence[str | Embedder]


def score(
    run: Run,
    embedder: Embedders | None = DEFAULT_EMBEDDER,
    facts: bool = True,
    progress: Progress | None = None,
    full: bool = False,
    turns: "pd.DataFrame | None" = None,
) -> list[Scored]:
    """Scores every text of a run that has no score yet.

    Args:
        run: The run, finished or not.
        embedder: One or more embedders or their addresses; None leaves distances out.
        facts: Whether to count facts too, for prompts of the pocket world.
        progress: Receives the progress of each scorer.
        full: Whether to do everything that a report can show: also embed images and read their facts, and measure the
            floors of each embedder.
        turns: `run.turns()`, if the caller has it already and nothing was played since.

    Returns:
        One entry a scorer: distances first, each embedder's images after its distances, facts last.

    Raises:
        UsageError: an embedder is unknown, or embeds no texts (with `full`: neither texts nor images).
        WeightsError: weights are missing.
        ModelError: an embedder does not return vectors.
        StoreError: the scores cannot be written.
    """
    turns = run.turns() if turns is None else turns
    done = [scored for each in _embedders(embedder) for scored in _score_by(run, each, turns, progress, full)]
    if facts:
        done.append(run_scorer(run, TextFactsScorer(), text_cases(turns), progress))
    if facts and full:
        done.append(run_scorer(run, ImageFactsScorer(run), image_cases(turns), progress))
    return done


def default_embedders(run: Run) -> tuple[str, ...]:
    """Returns the addresses of the embedders that are used if none are named.

    The default one reads 16 languages. The pocket world's reads English alone, so Chinese prompts do without it.
    """
    known = all(not why_uncounted(prompt.text) for prompt in run.spec.prompts)
    known = known and any(prompt.text.isascii() for prompt in run.spec.prompts)
    return (DEFAULT_EMBEDDER, POCKET_EMBEDDER) if known else (DEFAULT_EMBEDDER,)


def _embedders(given: Embedders | None) -> list[Embedder]:
    if given is None:
        return []
    several = [given] if isinstance(given, str | Embedder) else list(given)
    return [embedder_at(each) if isinstance(each, str) else each for each in several]


def _score_by(
    run: Run, embedder: Embedder, turns: "pd.DataFrame", progress: Progress | None, full: bool
) -> list[Scored]:
    vectors, kinds, done = Vectors(embedder, run), embedded_kinds(embedder), []
    if "text" in kinds or not full:
        done.append(run_scorer(run, DistanceScorer(embedder, vectors), text_cases(turns), progress))
    if full and "text" in kinds:
        # Texts that are compared with no prompt are compared with images and with each other.
        vectors.add_texts(turns["text_after"].dropna().unique())
        vectors.add_texts(turns.loc[turns["first"] == "text", "prompt"].unique())
    if full and "image" in kinds:
        done.append(_embed_images(vectors, turns, progress))
    if full:
        add_floors(run, vectors, progress)
    return done


def _embed_images(vectors: Vectors, turns: "pd.DataFrame", progress: Progress | None) -> Scored:
    starts = turns.loc[turns["first"] == "image", "prompt_sha256"]
    images = [str(sha) for sha in dict.fromkeys([*turns["image_sha256"].dropna(), *starts])]
    name = f"pictures by {name_of(vectors.embedder)}"
    new = vectors.add_images(images, named(name, progress))
    return Scored(name, vectors.row.identity, len(images), new, sum(sha not in vectors.known for sha in images))
