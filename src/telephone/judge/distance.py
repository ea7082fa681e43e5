"""The distance of a text to its prompt in meaning: the cosine distance of their sentence vectors."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from telephone.judge.cases import NO_WORDS, Case, unscored
from telephone.judge.readability import Readability
from telephone.judge.scorer import Scorer, in_chunks
from telephone.judge.vectors import CHUNK, Vectors, text_hash
from telephone.models import Embedder, name_of
from telephone.store import Score, ScorerKind, ScorerRow

NAME = "distance"
_SPECIAL_TOKENS = 2

Vector = NDArray[np.floating]


@dataclass
class DistanceScorer(Scorer[Case]):
    """Scores texts by an embedder; each distinct text is embedded once, a prompt once for all its texts."""

    embedder: Embedder
    vectors: Vectors | None = None
    """Where vectors are stored; None keeps them in memory."""

    def __post_init__(self) -> None:
        """Makes a place for vectors where none is given."""
        self._vectors = Vectors(self.embedder) if self.vectors is None else self.vectors
        self._readability = Readability(self.embedder)

    @property
    def row(self) -> ScorerRow:
        """The fingerprint is the embedder's: weights, preprocessing and options."""
        name = name_of(self.embedder)
        return ScorerRow(ScorerKind.DISTANCE, f"distance by {name}", self.embedder.traits().fingerprint, name)

    def prepare(self, cases: Sequence[Case]) -> None:
        """Embeds the prompts.

        Raises:
            ModelError: the embedder does not return one row of numbers a text.
        """
        prompts = [case.prompt for case in cases if case.prompt is not None]
        if prompts:
            self._vectors.add_texts(prompts)

    def chunks(self, cases: Sequence[Case]) -> Iterator[Sequence[Case]]:
        """Yields the cases without words, then those of 256 distinct texts at a time."""
        wordless = [case for case in cases if case.prompt is None]
        if wordless:
            yield wordless
        by_text: dict[str, list[Case]] = {}
        for case in cases:
            if case.prompt is not None:
                by_text.setdefault(case.text, []).append(case)
        for texts in in_chunks(by_text, CHUNK):
            yield [case for text in texts for case in by_text[text]]

    def score(self, cases: Sequence[Case]) -> list[Score]:
        """Returns one score a case: the cosine distance in [0, 2], or the reason why there is none.

        Raises:
            ModelError: the embedder does not return one row of numbers a text.
        """
        texts = list(dict.fromkeys(case.text for case in cases if case.prompt is not None))
        if texts:
            self._vectors.add_texts(texts)
        return [self._score(case) for case in cases]

    def _score(self, case: Case) -> Score:
        if case.prompt is None:
            return unscored(case, NAME, NO_WORDS)
        unreadable = self._readability.why_unreadable(case.prompt, case.text)
        if unreadable is not None:
            detail = {"unknown": round(unreadable.share, 4), "remedy": unreadable.remedy}
            reason = f"{unreadable.reason} {unreadable.remedy}"
            return Score(case.subject, case.reference, NAME, None, reason, detail)
        value = self._vectors.distance(text_hash(case.prompt), text_hash(case.text))
        value = 0.0 if case.text == case.prompt else value
        if value is None:
            return unscored(case, NAME, "The embedder returned a vector without a direction.")
        cut = self._cut(case.text)
        return Score(case.subject, case.reference, NAME, value, detail={"tokens_cut": cut} if cut else None)

    def _cut(self, text: str) -> int:
        """A text with fewer characters than the embedder takes tokens cannot be cut, and is not counted."""
        most = self.embedder.traits().max_tokens
        return 0 if most is None or len(text) + _SPECIAL_TOKENS <= most else self.embedder.count_cut(text)
