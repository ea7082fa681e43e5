"""Tables of an operation that are curves: rows whose first column is a number with at least three different values."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from telephone.plots import ValueCurveOptions

if TYPE_CHECKING:
    import pandas as pd

Row = Mapping[str, Any]

_BOUNDS = ("low", "high")
_SHARES = re.compile(r"facts|share|accuracy|kept|reached|right|rate|success|clean|names|named", re.IGNORECASE)
_NOT_DRAWN = re.compile(r"^(n|seconds|count|seed)$")
_FEWEST = 3
"""Values of x from which on a table is a curve."""


@dataclass(frozen=True)
class CurveTable:
    """A table for `value_curves_figure`, with its texts."""

    table: pd.DataFrame
    options: ValueCurveOptions


def curve_tables(title: str, rows: Sequence[Row]) -> list[CurveTable]:
    """Returns the curves of a table: shares in one figure, other numbers in another; empty if it is no curve.

    Args:
        title: of the table.
        rows: plain values; see `OperationResult.tables`.
    """
    columns = list(dict.fromkeys(name for row in rows for name in row))
    if not columns or not _is_number(rows, columns[0]):
        return []
    x, *others = columns
    texts = [name for name in others if _is_text(rows, name)]
    numbers = [name for name in others if _is_number(rows, name) and name not in _BOUNDS and not _NOT_DRAWN.match(name)]
    if len({row.get(x) for row in rows}) < _FEWEST or len(texts) > 1 or not numbers:
        return []
    if texts:
        return [_figure(title, x, numbers[:1], rows, texts[0])]
    bounded = set(_BOUNDS) <= set(columns)
    if bounded or len(numbers) == 1:
        return [_figure(title, x, numbers[:1], rows)]
    shares = [name for name in numbers if is_share_column(title, name, rows)]
    rest = [name for name in numbers if name not in shares]
    return [_figure(title, x, names, rows) for names in (shares, rest) if names]


def _figure(title: str, x: str, names: Sequence[str], rows: Sequence[Row], group: str = "") -> CurveTable:
    import pandas as pd

    made = []
    for row in rows:
        for name in names:
            if row.get(x) is None:
                continue
            curve = str(row.get(group, "")) if group else name if len(names) > 1 else ""
            bounds = {bound: row.get(bound) for bound in _BOUNDS if len(names) == 1 and bound in row}
            made.append({"curve": curve, "x": float(row[x]), "mean": row.get(name)} | bounds)
    percent = all(is_share_column(title, name, rows) for name in names)
    subtitle = names[0] if len(names) == 1 and names[0].lower() not in title.lower() else ""
    table = pd.DataFrame(made)
    numbers = [name for name in ("mean", *_BOUNDS) if name in table.columns]
    table[numbers] = table[numbers].astype(float)
    return CurveTable(table, ValueCurveOptions(title, x, subtitle, percent))


def _is_number(rows: Sequence[Row], name: str) -> bool:
    values = [row.get(name) for row in rows if row.get(name) is not None]
    return bool(values) and all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)


def _is_text(rows: Sequence[Row], name: str) -> bool:
    return any(isinstance(row.get(name), str) for row in rows)


def is_share_column(title: str, name: str, rows: Sequence[Row]) -> bool:
    """Returns whether a column holds shares: numbers in [0, 1] whose title or name says so."""
    values = [row[name] for row in rows if row.get(name) is not None]
    if not _is_number(rows, name):
        return False
    return all(0 <= value <= 1 for value in values) and bool(_SHARES.search(name) or _SHARES.search(title))
