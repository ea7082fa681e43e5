"""Which facts of the first prompt a picture still shows: read by a net of its own, so that a loss has an address.

A description that lacks a fact says nothing about who lost it. The picture between two descriptions does: what is not
in it was lost in drawing, what is in it and not told was lost in describing.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from PIL import Image

from telephone import world
from telephone.core.images import decode
from telephone.core.seeds import digest
from telephone.judge.cases import Case, unscored
from telephone.judge.facts import FACTS_VERSION, NAME, scores_of, why_uncounted
from telephone.judge.vectors import PICTURES
from telephone.models import SceneModel, barcode, image2text
from telephone.store import Run, Score, ScorerKind
from telephone.world.parser import ParseResult
from telephone.world.scene import Scene

if TYPE_CHECKING:
    import pandas as pd

READER = "oracle/reader"


class SceneReader(Protocol):
    """Reads the scenes of pictures, in batches."""

    @property
    def fingerprint(self) -> str:
        """Everything that decides what it reads."""
        ...

    def read(self, images: Sequence[Image.Image]) -> list[ParseResult]:
        """Returns what each picture shows."""
        ...


@dataclass
class NetReader:
    """Reads the codes of the fake painters exactly, and all other pictures with `oracle/reader`."""

    ref: str = READER

    @property
    def fingerprint(self) -> str:
        """That of the net; the codes are exact."""
        return image2text(self.ref).traits().fingerprint

    def read(self, images: Sequence[Image.Image]) -> list[ParseResult]:
        """Returns what each picture shows.

        Raises:
            WeightsError: the weights of the reader are missing, or not the shipped ones.
        """
        codes = [barcode.read(image) for image in images]
        drawn = iter(self._look([image for image, code in zip(images, codes, strict=True) if code is None]))
        return [
            ParseResult(next(drawn), ()) if code is None else world.read(code.decode(errors="replace"))
            for code in codes
        ]

    def _look(self, images: list[Image.Image]) -> list[Scene]:
        if not images:
            return []
        model = image2text(self.ref)
        assert isinstance(model, SceneModel)
        return model.read(images)


@dataclass(frozen=True)
class PictureFactsJudge:
    """The judge of facts in pictures; as sure as its reader."""

    run: Run
    reader: SceneReader = field(default_factory=NetReader)
    name = f"facts of pictures by {READER}"
    kind = ScorerKind.IMAGE_FACTS
    model = READER

    @property
    def fingerprint(self) -> str:
        """The reader's, and the code that compares."""
        return digest("facts of pictures", self.reader.fingerprint, FACTS_VERSION)

    def judge(self, cases: Sequence[Case]) -> Iterator[list[Score]]:
        """Yields the scores of each picture, or one without a value and with the reason.

        Raises:
            WeightsError: the weights of the reader are missing, or not the shipped ones.
            StoreDamaged: a picture is missing.
        """
        blank = [unscored(case, NAME, why) for case in cases if (why := why_uncounted(case.prompt))]
        if blank:
            yield blank
        told = [case for case in cases if not why_uncounted(case.prompt)]
        for start in range(0, len(told), PICTURES):
            chunk = told[start : start + PICTURES]
            readings = self.reader.read([decode(self.run.artefact(case.subject).data) for case in chunk])
            pairs = zip(chunk, readings, strict=True)
            yield [score for case, reading in pairs for score in scores_of(case, reading)]


def picture_cases(frame: "pd.DataFrame") -> list[Case]:
    """Returns the distinct pairs of a picture and the prompt of its game, in the order of rows.

    Args:
        frame: One row a turn, as `Run.turns()` gives it.
    """
    from telephone.judge.cases import words

    made = frame.loc[frame["image_sha256"].notna(), ["image_sha256", "prompt_sha256", "prompt", "first"]]
    distinct = made.drop_duplicates(["image_sha256", "prompt_sha256"])
    return [
        Case(str(subject), str(reference), "", words(str(prompt), str(first)))
        for subject, reference, prompt, first in distinct.itertuples(index=False)
    ]
