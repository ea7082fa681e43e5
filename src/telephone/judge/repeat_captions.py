"""Repeat captions: an image-to-text model captions an image again with another seed. Their distance is a floor."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from telephone.core.errors import ModelError
from telephone.core.images import decode
from telephone.core.seeds import derive
from telephone.judge.cases import battle_rows
from telephone.judge.scorer import Count, Scorer, ignore, part_of, run_scorer
from telephone.judge.vectors import text_hash
from telephone.models import generate_texts, image2text
from telephone.store import Run, Score, ScorerKind, ScorerRow

if TYPE_CHECKING:
    import pandas as pd

NAME = "repeat_caption"
"""The kind of the scores: 1 if the second caption equals the first one, else 0. Both are in the detail."""
_SEED_LABEL = "again"
"""Part of the seeds of second captions: never change it."""


@dataclass(frozen=True)
class RepeatedCaption:
    """Two different captions of one image by one model."""

    prompt_id: str
    first: str
    second: str

    @property
    def key(self) -> tuple[str, str]:
        """Content hashes of the second and the first caption."""
        return text_hash(self.second), text_hash(self.first)


@dataclass(frozen=True)
class CaptionedImage:
    """An image of a first turn, and its caption."""

    image: str
    """Content hash."""
    caption_sha: str
    caption: str
    prompt_id: str

    @property
    def key(self) -> tuple[str, str]:
        """Content hashes of image and caption."""
        return self.image, self.caption_sha


class RepeatCaptionScorer(Scorer[CaptionedImage]):
    """Collects second captions of one model."""

    def __init__(self, run: Run, ref: str) -> None:
        """Loads the model.

        Args:
            run: where the images are.
            ref: address of the model.
        """
        self.chunk = 8
        self._run = run
        self._ref = ref
        self._model = image2text(ref)

    @property
    def row(self) -> ScorerRow:
        """The fingerprint is the model's."""
        fingerprint = self._model.traits().fingerprint
        return ScorerRow(ScorerKind.REPEAT_CAPTION, f"repeat captions by {self._ref}", fingerprint, self._ref)

    def score(self, cases: Sequence[CaptionedImage]) -> list[Score]:
        """Returns one score an image; an image that the model fails on is unscored.

        Raises:
            ModelError: the model returned no results at all.
        """
        images = [decode(self._run.artefact(case.image).data) for case in cases]
        captions = generate_texts(self._model, images, [derive(_SEED_LABEL, case.image) for case in cases])
        return [_score(case, caption) for case, caption in zip(cases, captions, strict=True)]


def collect_repeat_captions(run: Run, most: int, report: Count = ignore) -> int:
    """Lets each image-to-text model caption images of first turns again and returns the number of new captions.

    A model that returns the same caption again, because it samples nothing, says nothing about a floor: such a pair is
    stored and not used.

    Args:
        run: a run; each caption of a remote model costs a call.
        most: images for each model.
        report: receives how many captions there are, and of how many, for all models together.

    Raises:
        ModelError: a model returned no results at all.
    """
    frame = battle_rows(run.turns())
    names = {row.name: row.ref for row in run.spec.models if row.kind == "image2text"}
    plans = {ref: _plan(frame[frame["i2t_model"] == name], most) for name, ref in names.items()}
    plans = {ref: plan for ref, plan in plans.items() if plan}  # controls caption no first turn of the battle
    total, before, new = sum(map(len, plans.values())), 0, 0
    for ref, plan in plans.items():
        new += run_scorer(run, RepeatCaptionScorer(run, ref), plan, part_of(report, before, total)).new
        before += len(plan)
    return new


def repeated_captions(run: Run) -> Iterator[RepeatedCaption]:
    """Yields the pairs of different captions that were collected."""
    for scorer in run.scorers(ScorerKind.REPEAT_CAPTION):
        for score in run.scores(scorer):
            if score.value == 0:
                yield RepeatedCaption(score.detail["prompt"], score.detail["first"], score.detail["text"])


def _plan(frame: "pd.DataFrame", most: int) -> list[CaptionedImage]:
    """Returns images of first turns: a choice that does not depend on their order."""
    first = frame[(frame["step_number"] == 0) & (frame["first"] == "text") & frame["text_sha256"].notna()]
    rows = first[["image_sha256", "text_sha256", "text_after", "prompt_id"]].drop_duplicates("image_sha256")
    plan = [CaptionedImage(*map(str, row)) for row in rows.itertuples(index=False)]
    return sorted(plan, key=lambda case: derive(_SEED_LABEL, case.image))[:most]


def _score(case: CaptionedImage, caption: str | ModelError) -> Score:
    failed = isinstance(caption, ModelError)
    detail = {"first": case.caption, "prompt": case.prompt_id, "text": None if failed else caption}
    value, reason = (None, str(caption) or "The model failed.") if failed else (float(caption == case.caption), "")
    return Score(*case.key, NAME, value, reason, detail)
