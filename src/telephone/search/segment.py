"""Immutable segments: one folder each, with the properties of its pictures as Parquet and vectors as float16 rows.

Vectors are stored in half precision and compared in single precision: the storage costs no recall, products in half
precision do. A file of vectors has no header: row i belongs to row i of `items.parquet`.
"""

import hashlib
import os
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from telephone.core.errors import StoreDamaged
from telephone.core.output_files import sync_folder
from telephone.search.catalog import damaged, guarded

ITEMS = "items.parquet"
ROW_GROUP = 8192
"""Rows of a Parquet row group: small enough to read one for a few results."""
_CHUNK = 1 << 24
"""Bytes that are hashed or written at once."""


def vectors_name(encoder: int) -> str:
    """Returns the file name of the vectors of an encoder (its number in the library)."""
    return f"vectors-{encoder}.f16"


@dataclass(frozen=True)
class FileNote:
    """Size and hash of one file of a segment."""

    name: str
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Segment:
    """A segment that is on the disk."""

    folder: Path
    rows: int

    @cached_property
    def ids(self) -> NDArray[np.int64]:
        """The ids of its rows, ascending, int64 [rows].

        Raises:
            StoreDamaged: the file is missing or is not what was written.
        """
        ids: NDArray[np.int64] = self.column("id").to_numpy().astype(np.int64)
        if len(ids) != self.rows or (np.diff(ids) <= 0).any():
            raise damaged(self.folder / ITEMS, "its ids are not those that were written")
        return ids

    def column(self, name: str) -> pa.ChunkedArray:
        """Returns one column of the properties; raises `StoreDamaged` as `ids` does."""
        return self.table([name]).column(0)

    def table(self, columns: list[str] | None = None) -> pa.Table:
        """Returns columns of the properties, all of them if none are named; raises `StoreDamaged` as `ids` does."""
        path = self.folder / ITEMS
        try:
            found = pq.read_table(path, columns=columns, memory_map=True)
        except (OSError, pa.ArrowException, KeyError) as error:
            raise damaged(path, " ".join(str(error).split())[:120]) from error
        if found.num_rows != self.rows:
            raise damaged(path, f"it has {found.num_rows} rows, not {self.rows}")
        return found

    def take(self, rows: NDArray[np.int64]) -> list[dict[str, Any]]:
        """Returns the properties of a few rows, ascending; reads only the row groups that hold them.

        Raises:
            StoreDamaged: the file is missing or is not what was written.
        """
        path = self.folder / ITEMS
        found: list[dict[str, Any]] = []
        try:
            file = self._items
            for group in np.unique(rows // ROW_GROUP):
                here = rows[rows // ROW_GROUP == group] - group * ROW_GROUP
                found += file.read_row_group(int(group)).take(pa.array(here)).to_pylist()
        except (OSError, pa.ArrowException) as error:
            raise damaged(path, " ".join(str(error).split())[:120]) from error
        return found

    @cached_property
    def _items(self) -> pq.ParquetFile:
        """The open file: its footer is read once."""
        return pq.ParquetFile(self.folder / ITEMS, memory_map=True)

    def vectors(self, encoder: int, width: int) -> NDArray[np.float16] | None:
        """Returns the vectors of an encoder, float16 [rows, width], mapped from the disk; None if it has none.

        Raises:
            StoreDamaged: the file has another size than was written.
        """
        path = self.folder / vectors_name(encoder)
        try:
            size = path.stat().st_size
        except FileNotFoundError:
            return None
        if size != self.rows * width * 2:
            raise damaged(path, f"it has {size} bytes, not {self.rows * width * 2}")
        return np.memmap(path, dtype="<f2", mode="r", shape=(self.rows, width))

    def check(self, notes: Mapping[str, FileNote]) -> None:
        """Compares every file with its size and hash; reads all of them.

        Raises:
            StoreDamaged: a file is missing or is not what was written.
        """
        for note in notes.values():
            path = self.folder / note.name
            if not path.is_file():
                raise damaged(path, "it is missing")
            if note_of(path) != note:
                raise damaged(path, "it is not what was written")


def write_segment(
    parent: Path, items: pa.Table, vectors: Mapping[int, NDArray[np.float16]]
) -> tuple[Path, list[FileNote]]:
    """Writes the files of a segment into a new folder with a temporary name; everything is on the disk afterwards.

    Args:
        parent: the folder of all segments.
        items: properties with the column `id`, ascending.
        vectors: by number of encoder, float16 [rows, width].

    Returns:
        The folder, which `publish` gives its name, and sizes and hashes of its files.

    Raises:
        StoreError: the disk is full or cannot be written; what was written is removed.
        StoreDamaged: vectors and properties differ in length.
    """
    folder = parent / f".{secrets.token_hex(8)}.tmp"
    with guarded(folder):
        folder.mkdir(parents=True)
        try:
            pq.write_table(items, folder / ITEMS, row_group_size=ROW_GROUP, compression="zstd")
            _sync(folder / ITEMS)
            for encoder, rows in vectors.items():
                if len(rows) != items.num_rows:
                    raise StoreDamaged(f"{len(rows)} vectors for {items.num_rows} pictures: index the pictures again.")
                write_vectors(folder / vectors_name(encoder), rows)
            sync_folder(folder)
            return folder, [note_of(path) for path in sorted(folder.iterdir())]
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise


def write_vectors(path: Path, rows: NDArray[np.float16]) -> None:
    """Writes vectors without a header, piece by piece; they are on the disk afterwards."""
    step = max(1, _CHUNK // max(1, rows.shape[1] * 2))
    with path.open("wb") as file:
        for start in range(0, len(rows), step):
            file.write(np.ascontiguousarray(rows[start : start + step], dtype="<f2").tobytes())
        file.flush()
        os.fsync(file.fileno())


def publish(temporary: Path, number: int) -> Path:
    """Gives a written segment its name; a folder of this name that a killed process left is replaced."""
    target = temporary.parent / f"{number:06d}"
    with guarded(target):
        if target.exists():
            shutil.rmtree(target)
        os.replace(temporary, target)
        sync_folder(target.parent)
    return target


def note_of(path: Path) -> FileNote:
    """Returns size and hash of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while part := file.read(_CHUNK):
            digest.update(part)
    return FileNote(path.name, path.stat().st_size, digest.hexdigest())


def _sync(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())
