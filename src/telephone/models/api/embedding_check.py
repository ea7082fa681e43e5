"""Vectors that came from elsewhere: checked and brought to unit length before anybody computes a distance with them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from telephone.core.errors import ModelError


def unit_rows(rows: Sequence[Any], count: int, who: str) -> NDArray[np.float32]:
    """Returns float32 [count, d] of unit length.

    Args:
        rows: one vector a text, in order, of whatever type.
        count: how many there should be.
        who: the provider, for messages.

    Raises:
        ModelError: there are too few or too many, they are of different lengths, or one is zero or not finite.
    """
    if len(rows) != count:
        raise ModelError(f"{who} answers with {len(rows)} vectors for {count} texts.")
    if count == 0:
        return np.zeros((0, 0), dtype=np.float32)
    try:
        table = np.asarray(rows, dtype=np.float64)
    except (TypeError, ValueError):
        raise ModelError(f"{who} answers with something that is not a table of numbers.") from None
    if table.ndim != 2 or table.shape[1] == 0 or table.shape[1] > 100_000:
        raise ModelError(f"{who} answers with an array of {list(table.shape)[:4]} in place of one vector a text.")
    lengths = np.linalg.norm(table, axis=1, keepdims=True)
    if not np.isfinite(lengths).all() or not (lengths > 0).all():
        raise ModelError(f"{who} answers with a vector that is zero or not finite.")
    return np.asarray(table / lengths, dtype=np.float32)
