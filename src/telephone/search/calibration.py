"""Whether a query has an answer at all: permuted queries as the null distribution, thresholds calibrated per encoder.

A cosine alone does not say that nothing matches: a query for what is not there finds its nearest neighbours with
cosines almost as high. So the query is compared with permutations of itself, in each of which one word is exchanged
for another of its kind ("a red apple": "a blue apple", "a red boat", ...). If what was found fits one of these better
than the query by more than an encoder's usual error, what was asked for is not there. The statistic is `evidence`; its
thresholds were calibrated on libraries from which some kinds of things were left out (`benchmarks/search_no_match.py`).
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from telephone.models import Embedder
from telephone.search.encoder_answer import EncoderAnswer
from telephone.search.keywords import split_words
from telephone.search.library import Library
from telephone.search.query_parts import QueryPart, ReadPart
from telephone.world.scene import COLOURS, KINDS, SETTINGS

GROUPS = (KINDS, COLOURS, SETTINGS)
"""Words that are exchanged for each other."""
LOOKED_AT = 5
"""Nearest pictures of which one must fit the query."""
SMALLEST_JUDGED = 1000
"""Pictures from which a library is judged: among few, the best cosine cannot lie far above the mean."""
MARGIN_WEIGHT = 3.0
"""Weight of the margin over permuted queries against the height of the best cosine, both in standard deviations."""
THRESHOLDS: Mapping[str, tuple[float | None, float | None, float | None]] = {"pocket/clip": (None, None, 3.36)}
"""By encoder, for queries with one, two, and three or more words that can be exchanged: the evidence below which
nothing matches, which 5 % of the queries with an answer fell below. None where what is there and what is not could not
be distinguished on other libraries (docs/search.md): such queries are never refused."""


@dataclass(frozen=True)
class MatchVerdict:
    """Whether a library has what was asked for."""

    matched: bool
    reason: str = ""
    """Why not, in one sentence; empty if something matches."""
    calibrated: bool = False
    """False if there was no threshold for this kind of query: the results are then only the nearest pictures."""

    @classmethod
    def of_filter(cls, count: int) -> "MatchVerdict":
        """Returns the verdict on a query without words and pictures."""
        return cls(True, "", True) if count else cls(False, "No picture passes the filter: widen it.", True)


@dataclass(frozen=True)
class Evidence:
    """How well the nearest pictures fit a text."""

    value: float
    """Height of the best cosine plus `MARGIN_WEIGHT` times the margin over permuted queries, in standard deviations."""
    exchanged: int
    """Words that can be exchanged; 0 if there are none, and the value is only the height."""
    fits_better: str = ""
    """The permuted query that the nearest pictures fit best."""


def permuted_queries(text: str) -> tuple[int, list[str]]:
    """Returns the number of words of a text that can be exchanged, and all texts in which one of them is."""
    count, found = 0, []
    for group in GROUPS:
        for word in group:
            pattern = re.compile(rf"\b(?:(an?)\s+)?{word}(s?)\b", re.IGNORECASE)
            if pattern.search(text) is None:
                continue
            count += 1
            found += [pattern.sub(_exchange(other), text, count=1) for other in group if other != word]
    return count, found


def _exchange(other: str) -> Callable[[re.Match[str]], str]:
    """Returns how a word becomes another one; "a" and "an" follow the new word."""
    article = "an" if other[0] in "aeiou" else "a"

    def replaced(match: re.Match[str]) -> str:
        return (f"{article} " if match[1] else "") + other + match[2]

    return replaced


def evidence(read: ReadPart, height: float, spread: float, nearest: NDArray[np.float32], model: Embedder) -> Evidence:
    """Returns how well the nearest pictures fit a text.

    Args:
        read: the text, with its vector.
        height: of the best cosine above the mean of the library, in standard deviations.
        spread: standard deviation of the cosines of the text with the library.
        nearest: vectors of the pictures nearest to it, [n, width], the nearest first.
        model: that made the vectors.
    """
    text = read.read_as or read.part.text or ""
    exchanged, others = permuted_queries(text)
    if not others or not len(nearest):
        return Evidence(height, 0)
    rows = nearest[:LOOKED_AT]
    against = rows @ np.asarray(model.embed_texts(others), dtype=np.float32).T
    margins = rows @ read.vector - against.max(axis=1)
    best = int(np.argmax(margins))
    return Evidence(
        height + MARGIN_WEIGHT * float(margins[best]) / spread, exchanged, others[int(np.argmax(against[best]))]
    )


def judge_query(
    library: Library,
    parts: Sequence[QueryPart],
    answers: Sequence[EncoderAnswer],
    keywords: Sequence[int],
    models: Mapping[int, Embedder],
) -> MatchVerdict:
    """Returns whether what a query asks for is in the library.

    Args:
        library: that is searched.
        parts: of the query.
        answers: of the encoders that could read it.
        keywords: pictures found by words.
        models: of the encoders, by number, where words were read.
    """
    texts = [part.text for part in parts if part.text is not None and part.weight > 0]
    if texts and _all_words(library, " ".join(texts)) & set(keywords):
        return MatchVerdict(True, "", True)
    found = [answer for answer in answers if answer.ids]
    if not found:
        return MatchVerdict(bool(keywords), "" if keywords else _unanswered(library, texts, answers), not keywords)
    if library.count() < SMALLEST_JUDGED:
        return MatchVerdict(True)
    for answer in found:
        if answer.view.row.ref not in THRESHOLDS or answer.view.row.number not in models:
            continue
        return _judge_answer(answer, models[answer.view.row.number])
    return MatchVerdict(True)


def _judge_answer(answer: EncoderAnswer, model: Embedder) -> MatchVerdict:
    """Every wanted text must be there; parts that are pictures cannot be judged."""
    calibrated = True
    for read, background in zip(answer.parts, answer.backgrounds, strict=True):
        if read.part.text is None or read.part.weight < 0:
            calibrated = calibrated and read.part.weight < 0
            continue
        rows = np.stack([*answer.view.vectors_of(answer.ids[: 4 * LOOKED_AT]).values()])
        rows = rows[np.argsort(-(rows @ read.vector), kind="stable")]
        height = background.standardised(float(rows[0] @ read.vector))
        seen = evidence(read, height, background.spread, rows, model)
        if not seen.exchanged:
            calibrated = False
            continue
        threshold = THRESHOLDS[answer.view.row.ref][min(seen.exchanged, 3) - 1]
        calibrated = calibrated and threshold is not None
        if threshold is not None and seen.value < threshold:
            return MatchVerdict(
                False,
                f"Nothing matches {read.part.text!r}: what comes nearest fits {seen.fits_better!r} at least as well.",
                True,
            )
    return MatchVerdict(True, "", calibrated)


def _unanswered(library: Library, texts: Sequence[str], answers: Sequence[EncoderAnswer]) -> str:
    if not library.count():
        return "The library has no pictures: index a folder first."
    if answers:
        return "No picture passes the filter: widen it."
    refs = ", ".join(row.ref for row in library.encoders)
    if texts:
        return f"The encoders of the library ({refs}) know too few of the words {' '.join(texts)!r}: use other words."
    return f"The encoders of the library ({refs}) can read no part of the query: give words or a picture."


def _all_words(library: Library, text: str) -> set[int]:
    words = list(dict.fromkeys(split_words(text)))
    if not words:
        return set()
    query = " AND ".join(f'"{word}"' for word in words)
    return {int(row[0]) for row in library.catalog.all("SELECT rowid FROM word WHERE word MATCH ? LIMIT 10000", query)}
