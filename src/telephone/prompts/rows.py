"""Parses prompt files into rows: text lines, CSV, TSV, JSON lines and JSON lists."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from telephone.core.errors import PromptError
from telephone.core.records import LEVELS
from telephone.prompts.decoding import is_blank
from telephone.prompts.delimited import KNOWN, column_names, read_delimited


@dataclass(frozen=True)
class Row:
    """The fields of one prompt, not yet checked."""

    where: str
    """File and line, such as `prompts.csv, line 3`."""
    fields: dict[str, object] = field(default_factory=dict)
    """By column name in lower case."""

    def error(self, column: str, what: str) -> PromptError:
        """Returns an error about a column of this row."""
        return PromptError(f"{self.where}, column {column}: {what}")


Reader = Callable[[str, str], Iterator[Row]]


def read_txt(name: str, text: str) -> Iterator[Row]:
    """Yields one row a line; blank lines and lines that begin with # are skipped, `level<TAB>text` states a level.

    Raises:
        PromptError: a single word before a tab is not a level.
    """
    for number, line in enumerate(text.split("\n"), start=1):
        if is_blank(line) or line.lstrip().startswith("#"):
            continue
        row = Row(f"{name}, line {number}", {"text": line})
        before, tab, after = line.partition("\t")
        if tab and len(before.split()) == 1:
            _check_level_word(row, before.strip())
            row = Row(row.where, {"level": before, "text": after})
        yield row


def _check_level_word(row: Row, word: str) -> None:
    if word.lower() not in LEVELS:
        raise row.error("level", f"{word!r} is not one of {', '.join(LEVELS)}.")


def read_csv(name: str, text: str) -> Iterator[Row]:
    """Yields one row a record; the first record is the header; a semicolon, tab or bar may replace the comma.

    Raises:
        PromptError: quotes are not closed, a record has too many fields, or column names repeat.
    """
    yield from _table(name, read_delimited(name, text))


def read_tsv(name: str, text: str) -> Iterator[Row]:
    """Yields one row a record of a tab-separated table, quoted as spreadsheets do it or, as PartiPrompts, not at all.

    Raises:
        PromptError: a record has too many fields, or column names repeat.
    """
    yield from _table(name, read_delimited(name, text, ("\t", ",", ";", "|")))


def _table(name: str, records: Iterator[tuple[int, list[str]]]) -> Iterator[Row]:
    columns: list[str] | None = None
    for line, record in records:
        if all(is_blank(cell) for cell in record):
            continue
        if columns is None:
            columns = _columns(name, line, record)
            continue
        if column_names(record) == columns:
            continue  # the header of a second file that was joined to the first one
        if len(record) > len(columns):
            raise PromptError(
                f"{name}, line {line}: there are {len(record)} fields and {len(columns)} columns; "
                "put a text that contains the separator in double quotes, or remove the extra fields."
            )
        yield Row(f"{name}, line {line}", dict(zip(columns, record, strict=False)))


def _columns(name: str, line: int, record: list[str]) -> list[str]:
    columns = column_names(record)
    duplicate = next((column for column in columns if column and columns.count(column) > 1), None)
    if duplicate:
        raise PromptError(f"{name}, line {line}: the column {duplicate!r} appears twice; rename one of them.")
    if not KNOWN & set(columns):
        found = ", ".join(filter(None, columns))
        raise PromptError(
            f"{name}, line {line}: there is no column text or prompt; the first line must be a header "
            f"(it has {found[:120]})."
        )
    return columns


def read_jsonl(name: str, text: str) -> Iterator[Row]:
    """Yields one row a line; each is an object, or a string with the text.

    Raises:
        PromptError: a line is not JSON, or of another type.
    """
    for number, line in enumerate(text.split("\n"), start=1):
        if not is_blank(line):
            where = f"{name}, line {number}"
            yield _row(where, _parse(where, line, one_line=True))


def read_json(name: str, text: str) -> Iterator[Row]:
    """Yields one row for each item of a list, or of the list under the key `prompts`.

    Raises:
        PromptError: the file is not JSON, or not such a list.
    """
    found = _parse(name, text, one_line=False) if not is_blank(text) else []
    if isinstance(found, dict) and isinstance(found.get("prompts"), list):
        found = found["prompts"]
    if not isinstance(found, list):
        raise PromptError(f"{name}: this is {_what(found)}; write a list of prompts.")
    for number, item in enumerate(found, start=1):
        yield _row(f"{name}, item {number}", item)


def _parse(where: str, text: str, *, one_line: bool) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        line = "" if one_line else f", line {error.lineno}"
        raise PromptError(f"{where}{line}, column {error.colno}: this is not JSON ({error.msg}).") from error
    except (ValueError, RecursionError) as error:
        raise PromptError(f"{where}: this JSON cannot be parsed ({error}); simplify it.") from error


def _row(where: str, item: object) -> Row:
    if isinstance(item, str):
        return Row(where, {"text": item})
    if not isinstance(item, dict):
        raise PromptError(f"{where}: this is {_what(item)}; write an object with a text, or a string.")
    return Row(where, {str(key).strip().lower(): value for key, value in item.items() if value is not None})


def _what(item: object) -> str:
    names = {dict: "an object", list: "a list", str: "a string", bool: "true or false", type(None): "null"}
    return names.get(type(item), "a number")


READERS: dict[str, Reader] = {
    ".txt": read_txt,
    ".csv": read_csv,
    ".tsv": read_tsv,
    ".jsonl": read_jsonl,
    ".ndjson": read_jsonl,
    ".json": read_json,
}
"""By file extension."""
