"""Filters: which pictures may be found at all, by size, layout, colour, date, tag and place on the disk.

A filter is a text of conditions joined by `and`, such as
`orientation=landscape and width>=1000 and colour(#E60012)>=20% and tag=beach and taken>=2024-01-01`.
"""

import difflib
import fnmatch
import operator
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from telephone.core.errors import UsageError
from telephone.search.colours import parse_colour, share_of_colour
from telephone.search.columns import Columns
from telephone.search.schema import FAMILIES

Mask = NDArray[np.bool_]
_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    ">=": operator.ge, "<=": operator.le, "!=": operator.ne, "=": operator.eq, ">": operator.gt, "<": operator.lt,
}  # fmt: skip
_CONDITION = re.compile(r"\s*([a-z_]+)\s*(?:\(([^()]*)\))?\s*(>=|<=|!=|=|>|<)\s*(\"[^\"]*\"|.+?)\s*$", re.IGNORECASE)
NUMBERS = ("width", "height", "bytes", "complexity", "aspect", "megapixels")
TEXTS = ("format", "mode", "camera", "caption", "folder", "name")
PLACES = (
    "top-left", "top", "top-right", "left", "center", "right", "bottom-left", "bottom", "bottom-right",
)  # fmt: skip
"""Names of the cells in which free space is measured."""
FIELDS = (*NUMBERS, *TEXTS, "orientation", "taken", "tag", "colour", "free")
_UNITS = {"k": 1e3, "kb": 1e3, "m": 1e6, "mb": 1e6, "g": 1e9, "gb": 1e9, "%": 0.01, "": 1.0}
_SQUARE = 0.05
"""Share by which the sides of a square picture may differ."""


@dataclass(frozen=True)
class Condition:
    """One condition of a filter."""

    field: str
    argument: str
    """What stands in parentheses: a colour, or a place."""
    operator: str
    value: str

    def __str__(self) -> str:
        """Returns the condition as it is written."""
        return f"{self.field}{f'({self.argument})' if self.argument else ''}{self.operator}{self.value}"


def parse_filter(text: str) -> tuple[Condition, ...]:
    """Returns the conditions of a filter; an empty text has none.

    Raises:
        UsageError: a field is unknown, or a condition is not complete.
    """
    parts = [part for part in re.split(r"\s+and\s+|\s*[;&]\s*", text.strip(), flags=re.IGNORECASE) if part]
    return tuple(_parse_one(part) for part in parts)


def _parse_one(text: str) -> Condition:
    match = _CONDITION.fullmatch(text)
    if match is None:
        raise UsageError(f"{text!r} is no condition: write a field, a comparison and a value, such as width>=1000.")
    field = {"color": "colour", "folders": "folder", "tags": "tag"}.get(match[1].lower(), match[1].lower())
    if field not in FIELDS:
        near = difflib.get_close_matches(field, FIELDS, n=1)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise UsageError(f"There is no field {field!r} to filter by.{hint} Use one of {', '.join(FIELDS)}.")
    found = Condition(field, (match[2] or "").strip(), match[3], match[4].strip('"'))
    if (field in ("colour", "free")) != bool(found.argument):
        example = {"colour": "colour(red)>=20%", "free": "free(top)>=80%"}.get(field, f"{field}{found.operator}…")
        raise UsageError(f"{text!r} is no condition on {field}: write it as {example}.")
    return found


def passing(conditions: Sequence[Condition], columns: Columns) -> Mask | None:
    """Returns which rows pass all conditions, bool [rows]; None if there are no conditions.

    Raises:
        UsageError: a value cannot be compared with its field.
    """
    if not conditions:
        return None
    found = np.ones(len(columns.ids), dtype=np.bool_)
    for condition in conditions:
        found &= _mask(condition, columns)
    return found


def _mask(condition: Condition, columns: Columns) -> Mask:
    compare = _COMPARE[condition.operator]
    field = condition.field
    if field in NUMBERS:
        return np.asarray(compare(_numbers(field, columns), parse_number(condition)))
    if field == "taken":
        return np.asarray(compare(columns.numbers("taken"), _seconds(condition)))
    if field == "orientation":
        return _equal(condition, [_orientation(each) for each in _numbers("aspect", columns)])
    if field == "tag":
        return _tags(condition, columns.lists("tags"))
    if field == "colour":
        return np.asarray(compare(colour_share(condition.argument, columns), parse_number(condition)))
    if field == "free":
        return np.asarray(compare(columns.free_space()[:, _place(condition.argument)], parse_number(condition)))
    return _equal(condition, _texts(field, columns))


def colour_share(colour: str, columns: Columns) -> NDArray[np.float32]:
    """Returns the share of each picture that has a colour or belongs to a family, [rows].

    Raises:
        UsageError: the text is no colour.
    """
    wanted = parse_colour(colour)
    if isinstance(wanted, str):
        return columns.families()[:, FAMILIES.index(wanted)]
    return share_of_colour(*columns.palettes(), wanted)


def _numbers(field: str, columns: Columns) -> NDArray[np.float64]:
    if field == "aspect":
        return columns.numbers("width") / np.maximum(columns.numbers("height"), 1)
    if field == "megapixels":
        return columns.numbers("width") * columns.numbers("height") / 1e6
    return columns.numbers(field)


def _texts(field: str, columns: Columns) -> list[str]:
    if field not in ("folder", "name"):
        return columns.texts(field)
    paths = {row[0]: os.fsdecode(row[1]) for row in columns.library.catalog.all("SELECT id, path FROM file")}
    split = [os.path.split(paths.get(int(each), "")) for each in columns.ids]
    return [folder if field == "folder" else name for folder, name in split]


def parse_number(condition: Condition) -> float:
    """Returns the number of a condition: `1000`, `20%`, `2MB`, or a ratio such as `16:9`.

    Raises:
        UsageError: it is no number.
    """
    match = re.fullmatch(r"([0-9.]+)\s*(%|[kmg]b?)?", condition.value.lower())
    ratio = re.fullmatch(r"([0-9.]+):([0-9.]+)", condition.value)
    try:
        if ratio and float(ratio[2]) > 0:
            return float(ratio[1]) / float(ratio[2])
        if match:
            return float(match[1]) * _UNITS[match[2] or ""]
    except ValueError:
        pass
    raise UsageError(f"{condition} compares with no number: write one such as 1000, 20%, 2MB or 16:9.")


def _seconds(condition: Condition) -> float:
    parts = condition.value.split("-")
    try:
        year, month, day = (int(each) for each in [*parts, "1", "1"][:3])
        return datetime(year, month, day, tzinfo=UTC).timestamp()
    except ValueError as error:
        raise UsageError(f"{condition} has no date: write it as 2024, 2024-05 or 2024-05-31.") from error


def _orientation(aspect: float) -> str:
    if abs(aspect - 1) <= _SQUARE:
        return "square"
    return "landscape" if aspect > 1 else "portrait"


def _place(name: str) -> int:
    plain = name.strip().lower().replace("centre", "center").replace("_", "-").replace(" ", "-")
    if plain not in PLACES:
        raise UsageError(f"There is no place {name!r} for free space: use one of {', '.join(PLACES)}.")
    return PLACES.index(plain)


def _equal(condition: Condition, values: Sequence[str]) -> Mask:
    """Compares texts without regard to upper case; `*` and `?` in the value stand for any characters."""
    if condition.operator not in ("=", "!="):
        raise UsageError(f"{condition} compares a text: use = or != with it; * stands for any characters.")
    pattern = re.compile(fnmatch.translate(condition.value.lower()))
    found = np.array([pattern.fullmatch(value.lower()) is not None for value in values], dtype=np.bool_)
    return found if condition.operator == "=" else ~found


def _tags(condition: Condition, tags: Sequence[Sequence[str]]) -> Mask:
    if condition.operator not in ("=", "!="):
        raise UsageError(f"{condition} compares a tag: use = or != with it; * stands for any characters.")
    pattern = re.compile(fnmatch.translate(condition.value.lower()))
    found = np.array([any(pattern.fullmatch(tag.lower()) for tag in each) for each in tags], dtype=np.bool_)
    return found if condition.operator == "=" else ~found
