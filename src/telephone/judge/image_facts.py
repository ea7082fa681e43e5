"""Which facts of the prompt an image shows, read by an image reader, so that each loss can be attributed to a model.

A text that lacks a fact does not say which model lost it. The image between two texts does: a fact that is not in it
was lost by the text-to-image model, a fact in it that the text omits was lost by the image-to-text model.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from PIL import Image

from telephone import world
from telephone.core.images import decode
from telephone.core.seeds import digest
from telephone.judge.cases import Case, unscored
from telephone.judge.scorer import Scorer, in_chunks
from telephone.judge.text_facts import FACTS_VERSION, NAME, fact_scores, why_uncounted
from telephone.judge.vectors import IMAGE_CHUNK
from telephone.models import SceneModel, barcode, image2text
from telephone.store import Run, Score, ScorerKind, ScorerRow
from telephone.world.parser import ParseResult
from telephone.world.scene import Scene

READER = "oracle/reader"
_LABEL = "facts of pictures"
"""Part of stored fingerprints: never change it."""


class SceneReader(Protocol):
    """Reads the scenes of images, in batches."""

    @property
    def fingerprint(self) -> str:
        """Hash of everything that decides what is read."""
        ...

    def read(self, images: Sequence[Image.Image]) -> list[ParseResult]:
        """Returns what each image shows."""
        ...


@dataclass
class NetReader:
    """Reads images that are codes exactly, and all others with a scene model."""

    ref: str = READER

    @property
    def fingerprint(self) -> str:
        """That of the scene model; codes are read exactly."""
        return image2text(self.ref).traits().fingerprint

    def read(self, images: Sequence[Image.Image]) -> list[ParseResult]:
        """Returns what each image shows.

        Raises:
            WeightsError: the weights of the reader are missing, or not the shipped ones.
        """
        codes = [barcode.read(image) for image in images]
        scenes = iter(self._scenes([image for image, code in zip(images, codes, strict=True) if code is None]))
        return [
            ParseResult(next(scenes), ()) if code is None else world.read(code.decode(errors="replace"))
            for code in codes
        ]

    def _scenes(self, images: list[Image.Image]) -> list[Scene]:
        if not images:
            return []
        model = image2text(self.ref)
        assert isinstance(model, SceneModel)
        return model.read(images)


@dataclass
class ImageFactsScorer(Scorer[Case]):
    """Counts facts in images; as reliable as its reader."""

    run: Run
    reader: SceneReader = field(default_factory=NetReader)

    @property
    def row(self) -> ScorerRow:
        """The fingerprint is that of the reader and of the version of the comparison."""
        fingerprint = digest(_LABEL, self.reader.fingerprint, FACTS_VERSION)
        return ScorerRow(ScorerKind.IMAGE_FACTS, f"facts of pictures by {READER}", fingerprint, READER)

    def chunks(self, cases: Sequence[Case]) -> Iterator[Sequence[Case]]:
        """Yields the cases whose facts cannot be counted, then 64 images at a time."""
        uncounted = [case for case in cases if why_uncounted(case.prompt)]
        if uncounted:
            yield uncounted
        yield from in_chunks((case for case in cases if not why_uncounted(case.prompt)), IMAGE_CHUNK)

    def score(self, cases: Sequence[Case]) -> list[Score]:
        """Returns the scores of each image, or one without a value and with the reason.

        Raises:
            WeightsError: the weights of the reader are missing, or not the shipped ones.
            StoreDamaged: an image is missing.
        """
        reasons = [why_uncounted(case.prompt) for case in cases]
        counted = [case for case, reason in zip(cases, reasons, strict=True) if not reason]
        scores = [unscored(case, NAME, reason) for case, reason in zip(cases, reasons, strict=True) if reason]
        if counted:
            readings = self.reader.read([decode(self.run.artefact(case.subject).data) for case in counted])
            pairs = zip(counted, readings, strict=True)
            scores += [score for case, reading in pairs for score in fact_scores(case, reading)]
        return scores
