"""Libraries of pictures: index, search, keep in order; what `telephone search` calls."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from telephone.core.errors import ModelError, UsageError
from telephone.core.output_files import write_output

# The library format is read with packages that take long to import; no other function of the pipeline needs them.
if TYPE_CHECKING:
    from PIL import Image

    from telephone.search.indexing import IndexProgress, IndexResult
    from telephone.search.library import Library
    from telephone.search.maintenance import LibraryStats, MergeResult, RecallCheck
    from telephone.search.query import Query
    from telephone.search.query_parts import QueryPart
    from telephone.search.query_result import Hit, SearchResult

DEFAULT_ENCODER = "pocket/clip"
LIBRARY = ".telephone-library"
"""Name of the folder that `telephone search index` makes beside the pictures."""


@dataclass(frozen=True)
class SearchIndexOptions:
    """How pictures are indexed."""

    encoders: tuple[str, ...] = ()
    """Addresses of embedders; those of the library, and `pocket/clip` for a new one, if none are given."""
    shard: tuple[int, int] = (1, 1)
    batch: int = 64
    workers: int | None = None
    """Threads that decode; one a core if left out."""


@dataclass(frozen=True)
class SearchQuestion:
    """What is searched, as a user states it."""

    text: str = ""
    images: tuple[Path, ...] = ()
    ids: tuple[int, ...] = ()
    unlike: tuple[Path, ...] = ()
    """Pictures of what is not wanted."""
    where: str = ""
    k: int = 10
    page: int = 1
    encoders: tuple[str, ...] = ()
    keywords: bool = True
    diversity: float = 0.0
    fold: bool = False
    exact: bool = False
    extra: tuple[QueryPart, ...] = field(default=(), repr=False)
    """Further parts, such as a picture that was uploaded."""

    def query(self) -> Query:
        """Returns the query; raises `UsageError` and `ModelError` for parts that cannot be read."""
        from telephone.search.query import Query
        from telephone.search.query_parts import QueryPart, file_part, text_parts

        if self.page < 1:
            raise UsageError("Pages are counted from 1.")
        parts = (
            *text_parts(self.text),
            *(file_part(path) for path in self.images),
            *(file_part(path, -1.0) for path in self.unlike),
            *(QueryPart(id=key) for key in self.ids),
            *self.extra,
        )
        offset = (self.page - 1) * max(self.k, 0)
        return Query(
            parts, self.where, self.k, offset, self.encoders, self.keywords, self.diversity, self.fold, self.exact
        )


def library_of(pictures: Path) -> Path:
    """Returns where the library of a folder of pictures is, if no other place is given."""
    return pictures / LIBRARY


def search_index(
    pictures: Path,
    library: Path,
    options: SearchIndexOptions | None = None,
    progress: Callable[[IndexProgress], None] | None = None,
) -> IndexResult:
    """Brings a library in line with a folder of pictures; the same call continues one that was stopped.

    Raises:
        UsageError: there is no such folder, or no such encoder.
        StoreError: another process writes the library, or the disk is full.
        WeightsError: the weights of an encoder are missing.
    """
    from telephone.models import registry
    from telephone.search.indexing import IndexOptions, index_folder
    from telephone.search.library import create_library

    options = options or SearchIndexOptions()
    if not pictures.is_dir():
        what = "is a file, not a folder" if pictures.exists() else "does not exist"
        raise UsageError(f"{pictures} {what}: give the folder that holds the pictures.")
    with create_library(library) as opened:
        known = tuple(row.ref for row in opened.encoders)
        missing = [ref for ref in known if options.encoders and ref not in options.encoders]
        if missing:
            raise UsageError(
                f"The library {library} has vectors of {', '.join(known)}: give all of these, or none, so that every "
                "picture gets the same vectors; for others make a new library."
            )
        models = [registry.embedder(ref) for ref in options.encoders or known or (DEFAULT_ENCODER,)]
        workers = options.workers or min(8, os.cpu_count() or 1)
        chosen = IndexOptions(options.shard, options.batch, workers)
        return index_folder(opened, pictures, models, chosen, progress)


def search_pictures(library: Path, question: SearchQuestion) -> SearchResult:
    """Answers a question.

    Raises:
        UsageError: there is no such library, or the question cannot be answered.
        ModelError: a file is no picture.
        StoreDamaged: the library is not what was written.
    """
    from telephone.search.library import open_library
    from telephone.search.query import Searcher

    query = question.query()
    with open_library(library) as opened:
        return Searcher(opened).search(query)


def search_stats(library: Path) -> LibraryStats:
    """Returns what is in a library."""
    from telephone.search import maintenance
    from telephone.search.library import open_library

    with open_library(library) as opened:
        return maintenance.stats(opened)


def search_broken(library: Path) -> dict[Path, str]:
    """Returns the files that could not be used, with the reasons."""
    from telephone.search.library import open_library

    with open_library(library) as opened:
        return opened.broken()


def search_verify(library: Path) -> list[str]:
    """Reads everything of a library and returns one sentence a fault."""
    from telephone.search.library import open_library

    with open_library(library) as opened:
        return opened.verify()


def search_repair(library: Path) -> list[Path]:
    """Drops damaged segments and returns the files that the next indexing embeds again."""
    from telephone.search.library import open_library

    with open_library(library) as opened, opened.writing():
        return opened.repair()


def search_merge(
    library: Path, smallest: int | None = None, progress: Callable[[str], None] | None = None
) -> MergeResult:
    """Makes one segment of all and builds indexes; raises as `maintenance.merge` does."""
    from telephone.search import maintenance
    from telephone.search.ivf import SMALLEST
    from telephone.search.library import open_library

    with open_library(library) as opened:
        return maintenance.merge(opened, smallest or SMALLEST, progress)


def search_check(library: Path, queries: Sequence[str], wanted: float = 0.97) -> list[RecallCheck]:
    """Compares the indexes with the exact scan on queries in words, for each encoder that reads words.

    Raises:
        UsageError: there are no queries, or no encoder reads words.
    """
    from telephone.search.library import open_library

    with open_library(library) as opened:
        rows = [row for row in opened.encoders if "text" in row.reads.split(",")]
        if not rows:
            raise UsageError(f"No encoder of {library} reads words, so queries in words cannot be checked.")
        return [_check(opened, row.ref, queries, wanted) for row in rows]


def _check(library: Library, ref: str, queries: Sequence[str], wanted: float) -> RecallCheck:
    from telephone.models import registry
    from telephone.search import maintenance

    model = registry.embedder(ref)
    row = library.encoder(model.traits().fingerprint)
    return maintenance.check_recall(library, row, maintenance.query_vectors(model, queries), wanted)


def search_sheet(result: SearchResult, path: Path, title: str = "") -> None:
    """Writes the pictures of a result as a contact sheet, each with its rank, its number and its name.

    Raises:
        UsageError: the result has no pictures, or none of their files can be read any more.
        OSError: the file cannot be written.
    """
    from telephone.core.images import encode_png
    from telephone.world.contact_sheet import contact_sheet

    items = [item for hit in result.hits if (item := _tile(hit)) is not None]
    if not items:
        raise UsageError("There is no picture to show: the files of the results are gone; index the folder again.")
    write_output(path, encode_png(contact_sheet(items, title=_writable(" ".join(title.split())[:80]))))


def _writable(title: str) -> str:
    """Returns a title, or nothing if no font here has its characters: one that lacks them draws all as one box."""
    from telephone.world.contact_sheet import font_for, is_chinese

    signs = {sign for sign in title if is_chinese(sign)}
    font = font_for(title, 16)
    return title if len(signs) < 2 or len({bytes(font.getmask(sign)) for sign in signs}) > 1 else ""


def _tile(hit: Hit) -> tuple[Image.Image, str] | None:
    """Returns a picture with its caption; None if its file is gone."""
    try:
        image = hit.image()
    except (OSError, ModelError):
        return None
    name = "".join(sign if sign.isprintable() else "?" for sign in hit.path.name)
    return image, f"{hit.rank}. {name}\n#{hit.id}"
