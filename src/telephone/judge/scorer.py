"""The protocol of scorers and the loop that runs them: find what is missing, score it in chunks, write each chunk."""

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Protocol, TypeVar

from telephone.store import Run, Score, ScorerKind, ScorerRow

Progress = Callable[[str, int, int], None]
"""Receives the name of a scorer, how many cases are done and how many there are; at the start and after each chunk."""
Count = Callable[[int, int], None]
"""The same without a name."""

ItemT = TypeVar("ItemT")
CaseT = TypeVar("CaseT", bound="Keyed")

_BY_FINGERPRINT = (
    ScorerKind.DISTANCE, ScorerKind.TEXT_FACTS, ScorerKind.IMAGE_FACTS, ScorerKind.FLOOR, ScorerKind.IMAGE_DISTANCE,
)  # fmt: skip
"""Kinds whose scores depend on the fingerprint alone. The others belong to the model with which they were collected."""


class Keyed(Protocol):
    """Something that is scored once."""

    @property
    def key(self) -> Hashable:
        """What tells it from other cases of the same scorer."""
        ...


class Scorer(Protocol[CaseT]):
    """Turns cases into scores. A class that derives from this one defines `row` and `score`."""

    chunk: int = 1
    """Cases that are scored before their scores are written: the most that a kill can lose."""

    @property
    def row(self) -> ScorerRow:
        """Kind, name, fingerprint and model, as the run stores them."""
        ...

    def score(self, cases: Sequence[CaseT]) -> list[Score]:
        """Returns the scores of a chunk: one or more a case, those without a value included."""
        ...

    def stored_key(self, score: Score) -> Hashable:
        """Returns the key of the case that a stored score belongs to."""
        return score.subject, score.reference

    def prepare(self, cases: Sequence[CaseT]) -> None:
        """Does what all missing cases need together; called once, before the first chunk."""
        return

    def chunks(self, cases: Sequence[CaseT]) -> Iterable[Sequence[CaseT]]:
        """Yields the missing cases in chunks."""
        return in_chunks(cases, self.chunk)


@dataclass(frozen=True)
class Scored:
    """What one scorer has done."""

    judge: str
    """Name of the scorer."""
    identity: str
    """Name and fingerprint under which the run stores its scores, or its vectors."""
    cases: int
    """Distinct cases in the run."""
    new: int
    """How many of them were scored now."""
    unscored: int
    """How many of them have no number."""


def run_scorer(run: Run, scorer: Scorer[CaseT], cases: Sequence[CaseT], progress: Progress | None = None) -> Scored:
    """Scores the cases that have no score yet; it may be stopped at any moment and continued later.

    Args:
        run: where scores are stored.
        scorer: what scores them.
        cases: all that there are.
        progress: receives the progress.

    Raises:
        StoreError: the scores cannot be written.
        ModelError: a model returned no results at all.
    """
    row = stored_row(run, scorer.row)
    stored = {scorer.stored_key(score) for score in run.scores(row)}

    def chunks(missing: Sequence[CaseT]) -> Iterable[Sequence[CaseT]]:
        scorer.prepare(missing)
        return scorer.chunks(missing)

    new = complete(
        cases,
        lambda case: case.key in stored,
        chunks,
        lambda chunk: run.put_scores(row, scorer.score(chunk)),
        named(row.name, progress),
    )
    valued = {scorer.stored_key(score) for score in run.scores(row) if score.value is not None}
    return Scored(row.name, row.identity, len(cases), new, len({case.key for case in cases} - valued))


def complete(
    items: Sequence[ItemT],
    is_done: Callable[[ItemT], bool],
    chunks: Callable[[Sequence[ItemT]], Iterable[Sequence[ItemT]]],
    write: Callable[[Sequence[ItemT]], Any],
    report: Count,
) -> int:
    """Does what is missing, chunk by chunk, and returns how much that was.

    Args:
        items: everything that there is to do.
        is_done: whether an item was done earlier.
        chunks: divides what is missing; not called if nothing is.
        write: does a chunk and writes the result in one transaction.
        report: receives how many items are done, and of how many.
    """
    missing = [item for item in items if not is_done(item)]
    done = len(items) - len(missing)
    report(done, len(items))
    for chunk in chunks(missing) if missing else ():
        write(chunk)
        done += len(chunk)
        report(done, len(items))
    return len(missing)


def stored_row(run: Run, row: ScorerRow) -> ScorerRow:
    """Returns the row under which the run stores a scorer: the one of equal kind and fingerprint, whatever its name."""
    found = [each for each in run.scorers(row.kind) if each.fingerprint == row.fingerprint]
    same = [each for each in found if each.name == row.name]
    return next(iter(same or (found if row.kind in _BY_FINGERPRINT else [])), row)


def in_chunks(items: Iterable[ItemT], size: int) -> Iterable[list[ItemT]]:
    """Yields the items in lists of a size; the last one may be shorter."""
    rest = iter(items)
    while chunk := list(islice(rest, size)):
        yield chunk


def named(name: str, progress: Progress | None) -> Count:
    """Returns a progress callback of one scorer."""
    return lambda done, total: None if progress is None else progress(name, done, total)


def part_of(report: Count, before: int, total: int) -> Progress:
    """Returns the progress callback of one of several scorers that are reported as one.

    Args:
        report: of all of them.
        before: cases of the earlier ones.
        total: cases of all of them.
    """
    return lambda _, done, __: report(before + done, total)


def ignore(done: int, total: int) -> None:
    """Reports nothing."""
