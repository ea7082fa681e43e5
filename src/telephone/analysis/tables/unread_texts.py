"""Texts that a judge could not read, in sentences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from telephone.store.records import Score, ScorerKind, ScorerRow

if TYPE_CHECKING:
    from telephone.store import Run


def unread_notes(run: Run, identity: str | None = None) -> list[str]:
    """Returns one sentence a judge of distances that could not read some texts: how many, why, and what to do.

    Args:
        run: the run.
        identity: part of the name and fingerprint of a judge; None is all of them.
    """
    rows = [row for row in run.scorers(ScorerKind.DISTANCE) if identity is None or identity in row.identity]
    return [note for row in rows for note in _note(row, run.scores(row))]


def _note(row: ScorerRow, scores: Sequence[Score]) -> list[str]:
    unread = [score.detail for score in scores if isinstance(score.detail, dict) and "unknown" in score.detail]
    if not unread:
        return []
    low, high = (f"{bound(detail['unknown'] for detail in unread):.0%}" for bound in (min, max))
    share = high if low == high else f"{low} to {high}"
    return [
        f"{len(unread)} of {len(scores)} texts have no distance by {row.model}, which cannot read them or their prompt:"
        f" {share} of the pieces are unknown to it. {unread[0]['remedy']}"
    ]
