"""The words of a query as one line: what is meant, what is not, and how much each part counts.

`beach --not people`, `red apple:2 | blue boat:0.5`, `海滩 --not 人 --not 车`.
"""

import re
from dataclasses import dataclass

from telephone.core.errors import UsageError

_NOT = re.compile(r"(?:^|\s)--?not\s+", re.IGNORECASE)
_WEIGHT = re.compile(r"^(.*?):(-?[0-9]*\.?[0-9]+)$", re.DOTALL)


@dataclass(frozen=True)
class WordPart:
    """One part of a query in words."""

    text: str
    weight: float
    """Below 0 for what is not wanted."""


def parse_query_text(text: str) -> tuple[WordPart, ...]:
    """Returns the parts of a query: parts are separated by `|`, `--not` begins what is not wanted, `:2` is a weight.

    Raises:
        UsageError: a part is empty, or only what is not wanted is stated.
    """
    if not text.strip():
        return ()
    wanted, *unwanted = _NOT.split(f" {text}")
    parts = [_part(each, 1.0) for each in wanted.split("|")] if wanted.strip() else []
    parts += [_part(each, -1.0) for each in unwanted]
    return tuple(parts)


def _part(text: str, sign: float) -> WordPart:
    match = _WEIGHT.fullmatch(text.strip())
    words, weight = (match[1].strip(), float(match[2])) if match else (text.strip(), 1.0)
    if not words:
        raise UsageError("A part of the query is empty: write words before and after | and after --not.")
    if weight == 0:
        raise UsageError(f"The part {words!r} has the weight 0 and would change nothing: leave it out.")
    return WordPart(words, sign * weight)
