"""How far a description is from the first prompt in meaning: the cosine distance of their sentence vectors."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from telephone.judge.cases import NO_WORDS, Case, unscored
from telephone.judge.vectors import CHUNK, Vectors, sha_of
from telephone.models import Embedder, name_of
from telephone.store import Score

NAME = "distance"
_SPECIAL_TOKENS = 2

Vector = NDArray[np.floating]


@dataclass(frozen=True)
class DistanceJudge:
    """The judge of an embedder; each distinct text is embedded once, a prompt once for all its descriptions."""

    embedder: Embedder
    vectors: Vectors | None = None
    """Where vectors are kept; None is for this judgement alone."""

    @property
    def name(self) -> str:
        """What people call it."""
        return f"distance by {name_of(self.embedder)}"

    @property
    def fingerprint(self) -> str:
        """The embedder's: weights, preprocessing and options."""
        return self.embedder.traits().fingerprint

    def judge(self, cases: Sequence[Case]) -> Iterator[list[Score]]:
        """Yields one score a case: the cosine distance in [0, 2], or None with the reason.

        Raises:
            ModelError: the embedder does not return one row of numbers a text.
        """
        yield from self._wordless(cases)
        vectors = Vectors(self.embedder) if self.vectors is None else self.vectors
        told = [case for case in cases if case.prompt is not None]
        if told:
            vectors.texts(str(case.prompt) for case in told)
        texts = list(dict.fromkeys(case.text for case in told))
        by_text: dict[str, list[Case]] = {text: [] for text in texts}
        for case in told:
            by_text[case.text].append(case)
        for start in range(0, len(texts), CHUNK):
            chunk = texts[start : start + CHUNK]
            vectors.texts(chunk)
            yield [self._score(case, vectors) for text in chunk for case in by_text[text]]

    def _wordless(self, cases: Sequence[Case]) -> Iterator[list[Score]]:
        found = [unscored(case, NAME, NO_WORDS) for case in cases if case.prompt is None]
        if found:
            yield found

    def _score(self, case: Case, vectors: Vectors) -> Score:
        one, other = (vectors.known.get(sha_of(text)) for text in (str(case.prompt), case.text))
        value = None if one is None or other is None else cosine_distance(one, other)
        value = 0.0 if case.text == case.prompt else value
        if value is None:
            return unscored(case, NAME, "The embedder returned a vector without a direction.")
        cut = self._cut(case.text)
        return Score(case.subject, case.reference, NAME, value, detail={"tokens_cut": cut} if cut else None)

    def _cut(self, text: str) -> int:
        """A text with fewer characters than the embedder takes tokens cannot be cut, and is not counted."""
        most = self.embedder.traits().max_tokens
        return 0 if most is None or len(text) + _SPECIAL_TOKENS <= most else self.embedder.count_cut(text)


def cosine_distance(one: Vector, other: Vector) -> float | None:
    """Returns the cosine distance of two vectors, 0 (same direction) to 2 (opposite); None if one has no direction."""
    lengths = float(np.linalg.norm(one)) * float(np.linalg.norm(other))
    if not np.isfinite(lengths) or lengths == 0.0:
        return None
    return float(np.clip(1.0 - float(one @ other) / lengths, 0.0, 2.0))
