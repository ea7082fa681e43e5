"""Searching a library: words, pictures and both, what is not wanted, filters, colours; content and keywords together.

Cosines of texts and of pictures have different means and spreads (the modality gap; Liang et al., NeurIPS 2022), so
each part of a query is standardised by its cosines with the library before parts are added. What is not wanted counts
only as far as a picture shows more of it than the average one does: plain subtraction would prefer its opposite.
"""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from telephone.core.errors import UsageError
from telephone.models import Embedder
from telephone.search.calibration import MatchVerdict, judge_query
from telephone.search.encoder_answer import EncoderAnswer, direction_of, scores_of
from telephone.search.explain import Explanation, explain
from telephone.search.filters import Condition, colour_share, parse_filter, passing
from telephone.search.fusion import Ranking, diversify, fold_duplicates, fuse_ranks
from telephone.search.keywords import keyword_search, split_words
from telephone.search.library import EncoderRow, Library
from telephone.search.query_parts import QueryEncoders, QueryPart, ReadPart
from telephone.search.query_result import Hit, SearchResult
from telephone.search.snapshot import Background, EncoderView, Snapshot

DEPTH = 100
"""Candidates of each source, at least."""
MOST = 10_000
"""Results of one query at most, pages before it included."""
PAGE = 10
"""Results of a page."""


@dataclass(frozen=True)
class Query:
    """What is searched."""

    parts: tuple[QueryPart, ...] = ()
    """Words and pictures; none returns every picture that passes the filter."""
    where: str = ""
    """A filter, see `filters`."""
    k: int = PAGE
    offset: int = 0
    """Results that are left out before the first; for pages."""
    encoders: tuple[str, ...] = ()
    """Addresses of the encoders; all of the library if none are given."""
    keywords: bool = True
    """Also search captions, tags and file names for the words."""
    diversity: float = 0.0
    """0 to 1: how much results shall differ from each other."""
    fold: bool = False
    """Show one of near-duplicates."""
    exact: bool = False
    """Scan everything, even where there is an index."""
    refuse: bool = True
    """Say that nothing matches where the calibration says so."""


class Searcher:
    """Answers queries about one library; threads may share it."""

    def __init__(self, library: Library, encoders: QueryEncoders | None = None) -> None:
        """Keeps the library open; models are loaded by the first query that needs them."""
        self.library = library
        self.encoders = encoders or QueryEncoders()
        self._snapshot: Snapshot | None = None
        self._version = -1
        self._lock = threading.RLock()

    @property
    def snapshot(self) -> Snapshot:
        """The library as it is now: read again when another process has changed it."""
        with self._lock:
            version = self.library.catalog.version()
            if self._snapshot is None or version != self._version:
                self._snapshot, self._version = Snapshot(self.library), version
            return self._snapshot

    def refresh(self) -> None:
        """Reads the library again at the next query; needed after changes through the same `Library`."""
        with self._lock:
            self._snapshot = None

    def search(self, query: Query) -> SearchResult:
        """Answers a query.

        Raises:
            UsageError: the query cannot be answered; the message says what to change.
            StoreDamaged: the library is not what was written.
        """
        start = time.perf_counter()
        _check(query)
        with self._lock:
            snapshot = self.snapshot
            conditions = parse_filter(query.where)
            mask = passing(conditions, snapshot.columns)
            work = _Search(snapshot, self.encoders, query, conditions, mask)
            hits, total, verdict = work.run()
        return SearchResult(tuple(hits), total, verdict, time.perf_counter() - start)


class _Search:
    """One query against one snapshot."""

    def __init__(
        self,
        snapshot: Snapshot,
        encoders: QueryEncoders,
        query: Query,
        conditions: tuple[Condition, ...],
        mask: NDArray[np.bool_] | None,
    ) -> None:
        self.snapshot, self.encoders, self.query = snapshot, encoders, query
        self.conditions, self.mask = conditions, mask
        self.allowed = None if mask is None else snapshot.by_segment(mask)
        self.depth = max(DEPTH, 2 * (query.offset + query.k))

    def run(self) -> tuple[list[Hit], int, MatchVerdict]:
        if not self.query.parts:
            ids = self._filtered()
            page = ids[self.query.offset : self.query.offset + self.query.k]
            return self._hits(page, [], [], {}, {}), len(ids), MatchVerdict.of_filter(len(ids))
        answers = [answer for row in self._rows() if (answer := self._content(row)) is not None]
        keywords = self._keywords()
        verdict = judge_query(self.snapshot.library, self.query.parts, answers, keywords, self._models(answers))
        if not answers and not keywords:
            return [], 0, verdict
        if not self.query.refuse:
            verdict = MatchVerdict(True)
        ranked = self._fused(answers, keywords)
        ids, folded = self._arranged(ranked, answers)
        page = ids[self.query.offset : self.query.offset + self.query.k]
        return self._hits(page, answers, keywords, folded, dict(ranked)), len(ids), verdict

    def _rows(self) -> list[EncoderRow]:
        rows = self.snapshot.library.encoders
        if not self.query.encoders:
            return rows
        known = {row.ref: row for row in rows}
        missing = next((ref for ref in self.query.encoders if ref not in known), None)
        if missing is not None:
            raise UsageError(f"The library has no vectors of {missing}: it has those of {', '.join(known) or 'none'}.")
        return [known[ref] for ref in self.query.encoders]

    def _models(self, answers: Sequence[EncoderAnswer]) -> dict[int, Embedder]:
        """Returns the models of the encoders that have read words, by number; words can be exchanged for these."""
        return {
            answer.view.row.number: self.encoders.model(answer.view.row)
            for answer in answers
            if any(read.part.text is not None for read in answer.parts)
        }

    def _content(self, row: EncoderRow) -> EncoderAnswer | None:
        """Returns what an encoder finds; None if it can read no wanted part."""
        view = self.snapshot.view(row)

        def stored(key: int) -> NDArray[np.float32] | None:
            (known,) = self.snapshot.library.rows([key])
            return view.vectors_of([known.id]).get(key)

        parts = self.encoders.read(self.query.parts, row, stored)
        if not view.blocks or not any(read.part.weight > 0 for read in parts):
            return None
        backgrounds = [view.background(read.vector) for read in parts]
        candidates = self._candidates(view, parts, backgrounds)
        scores = scores_of(view.vectors_of(candidates), parts, backgrounds)
        own = {read.part.id for read in parts if read.part.id is not None}
        ids = sorted((key for key in scores if key not in own), key=lambda key: (-scores[key], key))
        return EncoderAnswer(view, parts, backgrounds, ids, scores)

    def _candidates(self, view: EncoderView, parts: Sequence[ReadPart], backgrounds: Sequence[Background]) -> list[int]:
        """Returns the pictures nearest to what is wanted, with and without what is not wanted taken off."""
        wanted = direction_of(parts, backgrounds, negative=False)
        found, _ = view.nearest(wanted, self.depth, self.allowed, self.query.exact)
        ids = [int(key) for key in found]
        if any(read.part.weight < 0 for read in parts):
            other, _ = view.nearest(
                direction_of(parts, backgrounds, negative=True), self.depth, self.allowed, self.query.exact
            )
            ids += [int(key) for key in other]
        return list(dict.fromkeys(ids))

    def _keywords(self) -> list[int]:
        """Returns the pictures whose captions, tags or names have the wanted words and none that is not wanted."""
        texts = [part for part in self.query.parts if part.text is not None]
        wanted = " ".join(part.text or "" for part in texts if part.weight > 0)
        if not self.query.keywords or not wanted:
            return []
        unwanted = " ".join(part.text or "" for part in texts if part.weight < 0)
        catalog = self.snapshot.library.catalog
        denied = {key for key, _ in keyword_search(catalog, unwanted, MOST)} if unwanted else set()
        # A filter may pass few pictures, so more are read than are used.
        found = [key for key, _ in keyword_search(catalog, wanted, MOST if self.mask is not None else self.depth)]
        return [key for key in found if key not in denied and self._passes(key)][: self.depth]

    def _passes(self, key: int) -> bool:
        place = self.snapshot.place(key)
        return place >= 0 and (self.mask is None or bool(self.mask[place]))

    def _filtered(self) -> list[int]:
        """Returns all pictures that pass the filter: by share of the first colour that is asked for, then by id."""
        keep = self.snapshot.alive if self.mask is None else self.snapshot.alive & self.mask
        rows = np.flatnonzero(keep)
        colour = next((each.argument for each in self.conditions if each.field == "colour"), None)
        if colour is not None:
            rows = rows[np.argsort(-colour_share(colour, self.snapshot.columns)[rows], kind="stable")]
        return [int(key) for key in self.snapshot.columns.ids[rows]]

    def _fused(self, answers: Sequence[EncoderAnswer], keywords: Sequence[int]) -> list[tuple[int, float]]:
        if len(answers) == 1 and not keywords:
            return [(key, answers[0].scores[key]) for key in answers[0].ids]
        rankings = [Ranking(answer.view.row.ref, answer.ids[: self.depth]) for answer in answers]
        if keywords:
            rankings.append(Ranking("keywords", keywords))
        return fuse_ranks(rankings)

    def _arranged(
        self, ranked: Sequence[tuple[int, float]], answers: Sequence[EncoderAnswer]
    ) -> tuple[list[int], dict[int, list[int]]]:
        """Returns the ids in the order of the result, and the near-duplicates that are folded into each."""
        ids = [key for key, _ in ranked]
        folded: dict[int, list[int]] = {}
        if not (self.query.fold or self.query.diversity):
            return ids, folded
        vectors = answers[0].view.vectors_of(ids) if answers else {}
        if self.query.fold:
            hashes = self.snapshot.columns.hashes()
            folded = fold_duplicates(ids, {key: int(hashes[self.snapshot.place(key)]) for key in ids}, vectors)
            ids = list(folded)
        if self.query.diversity and vectors:
            scores = dict(ranked)
            known = [key for key in ids if key in vectors][: self.depth]
            ids = diversify(
                known,
                np.array([scores[key] for key in known], dtype=np.float32),
                np.stack([vectors[key] for key in known]),
                self.query.diversity,
            )
        return ids, folded

    def _hits(
        self,
        ids: Sequence[int],
        answers: Sequence[EncoderAnswer],
        keywords: Sequence[int],
        folded: dict[int, list[int]],
        scores: dict[int, float],
    ) -> list[Hit]:
        library = self.snapshot.library
        known = zip(library.rows(ids), library.properties(ids), strict=True) if ids else ()
        words = [word for part in self.query.parts if part.text and part.weight > 0 for word in split_words(part.text)]
        found = []
        for rank, (row, properties) in enumerate(known, start=self.query.offset + 1):
            reasons: Explanation = explain(
                row, properties, answers, words if row.id in keywords else [], self.conditions
            )
            copies = tuple(each.path for each in library.rows(folded.get(row.id, [])))
            found.append(Hit(rank, row.id, row.path, scores.get(row.id, 0.0), properties, reasons, copies))
        return found


def _check(query: Query) -> None:
    if query.k < 1 or query.offset < 0 or query.k + query.offset > MOST:
        raise UsageError(f"A search returns between 1 and {MOST:,} pictures: change the number of results or the page.")
    if not 0 <= query.diversity <= 1:
        raise UsageError(f"A diversity is a number from 0 to 1, not {query.diversity:g}.")
    if query.parts and not any(part.weight > 0 for part in query.parts):
        raise UsageError("The query states only what is not wanted: state also what is wanted, or use a filter.")
    if not query.parts and not query.where.strip():
        raise UsageError("The query is empty: give words, a picture or a filter.")


def open_searcher(folder: Path, encoders: QueryEncoders | None = None) -> Searcher:
    """Opens a library for searching; raises as `open_library` does."""
    from telephone.search.library import open_library

    return Searcher(open_library(folder), encoders)
