"""Records of delimited text: which separator a file has, and whether its quotes have a meaning."""

import csv
import io
import re
from collections.abc import Iterator, Sequence

from telephone.core.errors import PromptError
from telephone.prompts.decoding import without_marks

KNOWN = frozenset({"text", "prompt", "image"})
"""Columns of which a table of prompts has one or more."""
SEPARATORS = (",", ";", "\t", "|")
Record = tuple[int, list[str]]
"""The line at which a record begins, and its fields."""

_SEP_LINE = re.compile(r"\s*\"?sep=(.)\"?\s*", re.IGNORECASE)
_LONGEST_FIELD = 64 * 2**20
_QUOTED = re.compile(r'(?:"(?:[^"\t]|"")*"|[^"\t\n]*)(\t|\n|\Z)')


def read_delimited(name: str, text: str, separators: Sequence[str] = SEPARATORS) -> Iterator[Record]:
    """Yields the records of a table; the separator is the first with which the header has a known column.

    A first line `sep=;` states the separator, as some spreadsheets write it. In a table with tabs, quotes have a
    meaning if every field with a quote is quoted as a spreadsheet does it; else they are characters like others.

    Args:
        name: of the file, for messages.
        text: its content.
        separators: those that it may have, the usual one first.

    Raises:
        PromptError: quotes are not closed.
    """
    first, _, rest = text.partition("\n")
    stated = _SEP_LINE.fullmatch(first)
    if stated is not None:
        yield from _records(name, rest, stated.group(1), 2)
        return
    separator = _separator(text, separators)
    if separator == "\t" and not _is_quoted(text):
        yield from ((number, line.split("\t")) for number, line in enumerate(text.split("\n"), start=1))
        return
    yield from _records(name, text, separator, 1)


def column_names(record: Sequence[str]) -> list[str]:
    """Returns the cells of a header as names of columns: lower case, without invisible characters and quotes."""
    return [without_marks(cell).strip('"').strip().lower() for cell in record]


def _separator(text: str, separators: Sequence[str]) -> str:
    head = next((line for line in text.split("\n") if line.strip()), "")
    for separator in separators:
        if separator in head and KNOWN & set(column_names(head.split(separator))):
            return separator
    return separators[0]


def _is_quoted(text: str) -> bool:
    """Returns whether each field either has no quote, or is enclosed in quotes with its own quotes doubled."""
    at = 0
    while at < len(text):
        found = _QUOTED.match(text, at)
        if found is None:
            return False
        at = found.end()
    return True


def _records(name: str, text: str, separator: str, line: int) -> Iterator[Record]:
    # The limit is one of the whole process; the usual one refuses columns that are not even read.
    limit = csv.field_size_limit(_LONGEST_FIELD)
    try:
        found = _read_all(name, text, separator, line)
    finally:
        csv.field_size_limit(limit)
    yield from found


def _read_all(name: str, text: str, separator: str, line: int) -> list[Record]:
    # Spaces after a separator: `easy, "A red boat"` is quoted.
    spaces = separator not in " \t"
    records = csv.reader(io.StringIO(text, newline=""), delimiter=separator, skipinitialspace=spaces, strict=True)
    found: list[Record] = []
    before, start = line - 1, line
    try:
        for record in records:
            found.append((start, record))
            start = before + records.line_num + 1
    except csv.Error as error:
        raise PromptError(f"{name}, line {start}: the record cannot be read ({error}); check its quotes.") from error
    return found
