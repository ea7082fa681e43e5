"""Keyword search over captions, tags and file names: BM25 by SQLite's FTS5, Chinese by pairs of characters."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any

from telephone.search.catalog import Catalog

_HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_RUNS = re.compile(rf"[{_HAN}]+|[^\W_]+", re.UNICODE)
_IS_HAN = re.compile(rf"[{_HAN}]")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Za-z])(?=\d)|(?<=\d)(?=[A-Za-z])")
MOST = 200
"""Results of a keyword search that are fused with those by content."""


def split_words(text: str) -> list[str]:
    """Returns the search words of a text in lower case.

    Words of other scripts are whole words, and those of file names are split at capitals and digits. Chinese has no
    spaces: each run of characters gives its pairs of neighbours, and its single characters if it has only one.
    """
    found: list[str] = []
    for run in _RUNS.findall(_CAMEL.sub(" ", unicodedata.normalize("NFKC", text))):
        if _IS_HAN.match(run):
            found += [run[at : at + 2] for at in range(len(run) - 1)] or [run]
        else:
            found.append(run.lower())
    return found


def index_text(parts: Iterable[str]) -> str:
    """Returns what the full-text index stores of a picture: its words, and every single Chinese character."""
    words: list[str] = []
    for part in parts:
        words += split_words(part)
        words += _IS_HAN.findall(part)
    return " ".join(words)


def keyword_search(catalog: Catalog, text: str, most: int = MOST) -> list[tuple[int, float]]:
    """Returns the ids of pictures that have at least one word of a text, the best first, with their BM25 scores.

    Args:
        catalog: the database of the library.
        text: any text; marks have no meaning.
        most: results at most.
    """
    words = list(dict.fromkeys(split_words(text)))
    if not words:
        return []
    query = " OR ".join(f'"{word}"' for word in words)  # words hold letters and digits only
    rows = catalog.all(
        "SELECT rowid, -bm25(word) AS score FROM word WHERE word MATCH ? ORDER BY score DESC, rowid LIMIT ?",
        query,
        most,
    )
    return [(int(row[0]), float(row[1])) for row in rows]


def add_words(db: Any, key: int, parts: Sequence[str]) -> None:
    """Adds the words of a picture to the index, in the transaction of the caller."""
    db.execute("INSERT INTO word (rowid, words) VALUES (?, ?)", (key, index_text(parts)))


def remove_words(db: Any, key: int) -> None:
    """Removes the words of a picture from the index, in the transaction of the caller."""
    db.execute("DELETE FROM word WHERE rowid = ?", (key,))
