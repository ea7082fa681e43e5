"""A library of pictures on the disk: segments, a live segment, deletions; one process writes, many read.

A row is a picture that was decoded and embedded. New rows go to the live segment, which is a part of the database, so a
batch is there as a whole or not at all. `seal` moves the live rows to an immutable segment, `merge` makes one segment
out of several without their deleted rows. Both write files first and change the database last.
"""

import contextlib
import os
import shutil
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from telephone.core.errors import StoreDamaged, StoreError, UsageError
from telephone.search.catalog import Catalog, create_catalog, damaged, guarded, is_created, open_catalog
from telephone.search.keywords import add_words, remove_words
from telephone.search.schema import SCHEMA, from_json, to_json
from telephone.search.segment import FileNote, Segment, note_of, publish, vectors_name, write_segment, write_vectors
from telephone.store.lock import locked

SEGMENTS = "segments"


@dataclass(frozen=True)
class EncoderRow:
    """An encoder of a library."""

    number: int
    """Names its files."""
    ref: str
    """Address of the model, such as `pocket/clip`."""
    fingerprint: str
    """Everything that decides a vector: vectors of different fingerprints are never compared."""
    width: int
    """Numbers in a vector."""
    reads: str = "image,text"
    """What it embeds: `image`, `text` or both, comma-separated."""


@dataclass(frozen=True)
class NewPicture:
    """A file that was indexed, or could not be."""

    root: Path
    """The folder that was indexed."""
    path: bytes
    """Path in that folder, as the system spells it; names may be in any encoding."""
    size: int
    """Bytes."""
    modified: int
    """Nanoseconds since the epoch."""
    sha256: str = ""
    """Of the file's bytes; empty if it could not be read."""
    reason: str | None = None
    """Why it cannot be used; None if it was decoded."""
    properties: Mapping[str, Any] | None = None
    """Values of `schema.SCHEMA`; None if it was not decoded."""
    vectors: Mapping[int, NDArray[np.float32]] | None = None
    """By number of encoder, unit length [width]."""


@dataclass(frozen=True)
class Block:
    """Rows of one segment, or of the live segment."""

    segment: int | None
    """Number of the segment, None for the live one."""
    ids: NDArray[np.int64]
    """Ascending, [rows]."""
    vectors: NDArray[np.float16]
    """[rows, width]"""
    alive: NDArray[np.bool_]
    """[rows]: False for deleted rows."""


@dataclass(frozen=True)
class IndexedPicture:
    """What a result shows of a picture."""

    id: int
    path: Path
    sha256: str


class Library:
    """An open library."""

    def __init__(self, folder: Path, catalog: Catalog) -> None:
        """Is called by `open_library` and `create_library`."""
        self.folder, self.catalog = folder, catalog
        self._lock = threading.RLock()
        self._segments: dict[int, Segment] = {}

    # --- reading ----------------------------------------------------------------------------------------------------

    @property
    def encoders(self) -> list[EncoderRow]:
        """The encoders, in the order in which they were added."""
        return [EncoderRow(*row) for row in self._all("SELECT number, ref, fingerprint, width, reads FROM encoder")]

    def encoder(self, fingerprint: str) -> EncoderRow:
        """Returns the encoder with this fingerprint.

        Raises:
            UsageError: the library was made with others; the message names them.
        """
        for row in self.encoders:
            if row.fingerprint == fingerprint:
                return row
        known = ", ".join(row.ref for row in self.encoders) or "none"
        raise UsageError(
            f"The library {self.folder} has no vectors of this encoder or of this version of it (it has: {known}): "
            "index the pictures with it, or search with one of those."
        )

    @property
    def segments(self) -> dict[int, Segment]:
        """The immutable segments by number."""
        with self._lock:
            rows = self._all("SELECT number, rows FROM segment ORDER BY number")
            folders = self.folder / SEGMENTS
            self._segments = {
                number: self._segments.get(number) or Segment(folders / f"{number:06d}", count)
                for number, count in rows
            }
            return dict(self._segments)

    def deleted(self) -> NDArray[np.int64]:
        """Returns the ids of deleted rows of immutable segments, ascending."""
        return np.array([row[0] for row in self._all("SELECT id FROM deleted ORDER BY id")], dtype=np.int64)

    def blocks(self, encoder: EncoderRow) -> list[Block]:
        """Returns the vectors of an encoder, segment by segment; segments without this encoder are left out.

        Raises:
            StoreDamaged: a segment is not what was written.
        """
        gone = self.deleted()
        found = []
        for number, segment in self.segments.items():
            vectors = segment.vectors(encoder.number, encoder.width)
            if vectors is not None:
                alive = ~np.isin(segment.ids, gone, assume_unique=True)
                found.append(Block(number, segment.ids, vectors, alive))
        live = self._live_block(encoder)
        return [*found, live] if len(live.ids) else found

    def _live_block(self, encoder: EncoderRow) -> Block:
        rows = self._all("SELECT id, vector FROM live_vector WHERE encoder = ? ORDER BY id", encoder.number)
        ids = np.array([row[0] for row in rows], dtype=np.int64)
        parts = [np.frombuffer(row[1], dtype="<f2") for row in rows]
        if any(len(part) != encoder.width for part in parts):
            raise damaged(self.catalog.path, "a vector has another length than its encoder")
        vectors = np.stack(parts) if parts else np.zeros((0, encoder.width), dtype=np.float16)
        return Block(None, ids, vectors, np.ones(len(ids), dtype=np.bool_))

    def count(self) -> int:
        """Returns the number of pictures that can be found."""
        (row,) = self._all("SELECT count(*) FROM file WHERE reason IS NULL")
        return int(row[0])

    def broken(self) -> dict[Path, str]:
        """Returns the files that could not be used, with the reason."""
        rows = self._all(
            "SELECT root.path, file.path, reason FROM file JOIN root ON root.number = root WHERE reason IS NOT NULL "
            "ORDER BY file.id"
        )
        return {_join(root, path): reason for root, path, reason in rows}

    def rows(self, ids: Sequence[int]) -> list[IndexedPicture]:
        """Returns path and hash of pictures, in the order of the ids.

        Raises:
            UsageError: an id is not in the library.
        """
        found: dict[int, IndexedPicture] = {}
        for start in range(0, len(ids), 500):
            part = [int(each) for each in ids[start : start + 500]]
            marks = ",".join("?" * len(part))
            query = (
                "SELECT file.id, root.path, file.path, sha256 FROM file JOIN root ON root.number = root "
                f"WHERE file.id IN ({marks})"
            )
            found |= {row[0]: IndexedPicture(row[0], _join(row[1], row[2]), row[3]) for row in self._all(query, *part)}
        missing = next((each for each in ids if int(each) not in found), None)
        if missing is not None:
            raise UsageError(
                f"There is no picture {missing} in {self.folder}: it was deleted, or is of another library."
            )
        return [found[int(each)] for each in ids]

    def properties(self, ids: Sequence[int]) -> list[dict[str, Any]]:
        """Returns the stored properties of pictures, in the order of the ids; raises `UsageError` as `rows` does."""
        self.rows(ids)
        wanted = np.asarray(ids, dtype=np.int64)
        found: dict[int, dict[str, Any]] = {}
        for segment in self.segments.values():
            here = np.intersect1d(wanted, segment.ids)
            if len(here):
                at = np.searchsorted(segment.ids, here)
                for values in segment.take(at):
                    found[int(values["id"])] = values
        for key in {int(each) for each in ids} - found.keys():
            for row in self._all("SELECT properties FROM live WHERE id = ?", key):
                found[key] = {"id": key, **from_json(row[0])}
        return [found[int(each)] for each in ids]

    def live_properties(self) -> list[dict[str, Any]]:
        """Returns the stored properties of the rows of the live segment, in the order of the ids."""
        return [{"id": row[0], **from_json(row[1])} for row in self._all("SELECT id, properties FROM live ORDER BY id")]

    def files(self, root: Path) -> dict[bytes, tuple[int, int, int, str]]:
        """Returns the files of a folder that are in the library: path -> id, size, time of change, reason or empty."""
        rows = self._all(
            "SELECT file.path, id, size, modified, coalesce(reason, '') FROM file JOIN root ON root.number = root "
            "WHERE root.path = ?",
            os.fsencode(root),
        )
        return {row[0]: (row[1], row[2], row[3], row[4]) for row in rows}

    def _all(self, query: str, *values: object) -> list[Any]:
        with self._lock:
            return self.catalog.all(query, *values)

    # --- writing ----------------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """Lets this process write during the block, and removes what a killed process left.

        Raises:
            StoreError: another process is writing.
        """
        try:
            with locked(self.folder):
                self._remove_leftovers()
                yield
        except StoreError as error:
            if "being played" in str(error):
                raise StoreError(
                    f"The library {self.folder} is being indexed by another process: wait until it ends, or give each "
                    "process a library of its own (--shard) and join them."
                ) from error
            raise

    def _remove_leftovers(self) -> None:
        folder = self.folder / SEGMENTS
        known = {f"{number:06d}" for number in self.segments}
        with guarded(folder):
            for path in folder.iterdir() if folder.is_dir() else ():
                if path.name not in known:
                    shutil.rmtree(path, ignore_errors=True)

    def add_encoder(self, ref: str, fingerprint: str, width: int, reads: str = "image,text") -> EncoderRow:
        """Adds an encoder, or returns the one that has this fingerprint."""
        with self._lock, self.catalog.transaction() as db:
            db.execute(
                "INSERT INTO encoder (ref, fingerprint, width, reads) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
                (ref, fingerprint, width, reads),
            )
        return self.encoder(fingerprint)

    def add(self, pictures: Iterable[NewPicture]) -> list[int]:
        """Writes a batch in one transaction and returns the ids; a file that is there already is replaced.

        Raises:
            StoreError: the disk is full or cannot be written; nothing of the batch is then in the library.
        """
        with self._lock, self.catalog.transaction() as db:
            return [self._add_one(db, picture) for picture in pictures]

    def _add_one(self, db: Any, picture: NewPicture) -> int:
        root = _root_number(db, picture.root)
        before = db.execute("SELECT id FROM file WHERE root = ? AND path = ?", (root, picture.path)).fetchone()
        if before is not None:
            _remove(db, [before[0]])
        key = db.execute(
            "INSERT INTO file (root, path, size, modified, sha256, reason) VALUES (?, ?, ?, ?, ?, ?)",
            (root, picture.path, picture.size, picture.modified, picture.sha256, picture.reason),
        ).lastrowid
        if picture.reason is None:
            known = picture.properties or {}
            db.execute("INSERT INTO live VALUES (?, ?)", (key, to_json(known)))
            words = [
                known.get("caption") or "",
                *(known.get("tags") or ()),
                os.path.splitext(os.fsdecode(picture.path))[0],
            ]
            add_words(db, key, words)
            for encoder, vector in (picture.vectors or {}).items():
                db.execute("INSERT INTO live_vector VALUES (?, ?, ?)", (key, encoder, vector.astype("<f2").tobytes()))
        return int(key)

    def remove(self, ids: Sequence[int]) -> int:
        """Removes pictures from the library (not from the disk) in one transaction; returns how many were there."""
        with self._lock, self.catalog.transaction() as db:
            return _remove(db, ids)

    def seal(self) -> int | None:
        """Moves the live rows to a new segment and returns its number; None if there are none."""
        rows = self.live_properties()
        if not rows:
            return None
        ids = np.array([row["id"] for row in rows], dtype=np.int64)
        vectors = {}
        for encoder in self.encoders:
            block = self._live_block(encoder)
            if len(block.ids) == len(ids):
                vectors[encoder.number] = block.vectors
        return self._write(pa.Table.from_pylist(rows, SCHEMA), vectors, ())

    def merge(self, numbers: Sequence[int]) -> int | None:
        """Makes one segment of several, without their deleted rows; returns its number, None if no row is left.

        Readers that have the old segments open keep them until they refresh.
        """
        chosen = {number: self.segments[number] for number in sorted(numbers)}
        gone = self.deleted()
        keep = {number: ~np.isin(segment.ids, gone) for number, segment in chosen.items()}
        tables = [segment.table().filter(pa.array(keep[number])) for number, segment in chosen.items()]
        table = pa.concat_tables(tables)
        order = np.argsort(table.column("id").to_numpy(), kind="stable")
        vectors = {}
        for encoder in self.encoders:
            parts = [segment.vectors(encoder.number, encoder.width) for segment in chosen.values()]
            if all(part is not None for part in parts):
                kept = [part[keep[number]] for number, part in zip(chosen, parts, strict=True) if part is not None]
                vectors[encoder.number] = np.concatenate(kept)[order]
        return self._write(table.take(pa.array(order)), vectors, tuple(chosen))

    def _write(
        self, table: pa.Table, vectors: Mapping[int, NDArray[np.float16]], replaced: Sequence[int]
    ) -> int | None:
        """Writes a segment in place of live rows (none replaced) or of other segments."""
        temporary: Path | None = None
        notes: list[FileNote] = []
        if table.num_rows:
            temporary, notes = write_segment(self.folder / SEGMENTS, table, vectors)
        with self._lock, self.catalog.transaction() as db:
            number = None
            if temporary is not None:
                number = _insert_segment(db, table.num_rows, notes)
                publish(temporary, number)
            ids = table.column("id").to_pylist()
            if not replaced:
                db.executemany("DELETE FROM live_vector WHERE id = ?", ((each,) for each in ids))
                db.executemany("DELETE FROM live WHERE id = ?", ((each,) for each in ids))
            for old in replaced:
                gone = [(int(each),) for each in self.segments[old].ids]
                db.executemany("DELETE FROM deleted WHERE id = ?", gone)
                db.execute("DELETE FROM segment WHERE number = ?", (old,))
        for old in replaced:
            shutil.rmtree(self.folder / SEGMENTS / f"{old:06d}", ignore_errors=True)
        return number

    def add_vectors(self, encoder: EncoderRow, segment: int, vectors: NDArray[np.float16]) -> None:
        """Writes the vectors of an encoder that was added later to a segment.

        Raises:
            StoreDamaged: their number is not that of the rows.
            StoreError: the disk is full or cannot be written.
        """
        target = self.segments[segment]
        if vectors.shape != (target.rows, encoder.width):
            raise StoreDamaged(f"{vectors.shape} vectors for {target.rows} rows: index the pictures again.")
        path = target.folder / vectors_name(encoder.number)
        temporary = path.with_suffix(".tmp")
        with guarded(path), self._lock, self.catalog.transaction() as db:
            write_vectors(temporary, vectors)
            os.replace(temporary, path)
            note = note_of(path)
            db.execute("INSERT OR REPLACE INTO segment_file VALUES (?, ?, ?, ?)", (segment, *_values(note)))

    def verify(self) -> list[str]:
        """Reads everything and returns one sentence a fault; an empty list if the library is what was written."""
        return list(self._faults().values())

    def _faults(self) -> dict[int, str]:
        """Returns what is wrong with each damaged segment, by its number."""
        faults = {}
        for number, segment in self.segments.items():
            notes = self._all("SELECT name, bytes, sha256 FROM segment_file WHERE segment = ?", number)
            try:
                segment.check({row[0]: FileNote(*row) for row in notes})
            except StoreDamaged as error:
                faults[number] = str(error)
        return faults

    def repair(self) -> list[Path]:
        """Drops damaged segments; returns the files whose pictures the next indexing embeds again."""
        return [path for number in self._faults() for path in self._drop(number)]

    def _drop(self, number: int) -> list[Path]:
        """Forgets the files whose rows are nowhere else; ids need not be readable any more."""
        others = [segment.ids for other, segment in self.segments.items() if other != number]
        known = {int(each) for ids in others for each in ids} | {row[0] for row in self._all("SELECT id FROM live")}
        with self._lock, self.catalog.transaction() as db:
            rows = db.execute(
                "SELECT file.id, root.path, file.path FROM file JOIN root ON root.number = root WHERE reason IS NULL"
            ).fetchall()
            lost = [(row[0], _join(row[1], row[2])) for row in rows if row[0] not in known]
            db.executemany("DELETE FROM file WHERE id = ?", ((each,) for each, _ in lost))
            for each, _ in lost:
                remove_words(db, each)
            db.execute("DELETE FROM segment WHERE number = ?", (number,))
        shutil.rmtree(self.folder / SEGMENTS / f"{number:06d}", ignore_errors=True)
        return [path for _, path in lost]

    def close(self) -> None:
        """Closes the database."""
        self.catalog.close()

    def __enter__(self) -> "Library":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def open_library(folder: Path) -> Library:
    """Opens a library.

    Raises:
        UsageError: there is none in the folder.
        StoreDamaged: its database is damaged.
        StoreVersion: a newer version of the package wrote it.
        StoreError: it cannot be opened.
    """
    return Library(folder, open_catalog(folder))


def create_library(folder: Path) -> Library:
    """Creates a library, or opens the one that is there.

    Raises:
        UsageError: the folder holds other files.
        StoreError: it cannot be created.
    """
    with guarded(folder):
        folder.mkdir(parents=True, exist_ok=True)
        if not is_created(folder):
            own = {"lock", "library.sqlite", "library.sqlite-wal", "library.sqlite-shm", SEGMENTS}
            foreign = sorted(path.name for path in folder.iterdir() if path.name not in own)
            if foreign:
                raise UsageError(f"{folder} holds other files ({foreign[0]}): choose an empty folder for the library.")
            with locked(folder):
                if not is_created(folder):
                    return Library(folder, create_catalog(folder))
    return open_library(folder)


def _join(root: bytes, path: bytes) -> Path:
    return Path(os.fsdecode(root)) / os.fsdecode(path)


def _values(note: FileNote) -> tuple[str, int, str]:
    return note.name, note.bytes, note.sha256


def _insert_segment(db: Any, rows: int, notes: Sequence[FileNote]) -> int:
    number = int(db.execute("INSERT INTO segment (rows) VALUES (?)", (rows,)).lastrowid)
    db.executemany("INSERT INTO segment_file VALUES (?, ?, ?, ?)", ((number, *_values(note)) for note in notes))
    return number


def _root_number(db: Any, root: Path) -> int:
    path = os.fsencode(root)
    db.execute("INSERT INTO root (path) VALUES (?) ON CONFLICT DO NOTHING", (path,))
    return int(db.execute("SELECT number FROM root WHERE path = ?", (path,)).fetchone()[0])


def _remove(db: Any, ids: Sequence[int]) -> int:
    removed = 0
    for key in ids:
        live = db.execute("SELECT 1 FROM live WHERE id = ?", (int(key),)).fetchone()
        usable = db.execute("SELECT reason IS NULL FROM file WHERE id = ?", (int(key),)).fetchone()
        if usable is None:
            continue
        if live is not None:
            db.execute("DELETE FROM live_vector WHERE id = ?", (int(key),))
            db.execute("DELETE FROM live WHERE id = ?", (int(key),))
        elif usable[0]:  # a row of an immutable segment
            db.execute("INSERT OR IGNORE INTO deleted VALUES (?)", (int(key),))
        if usable[0]:
            remove_words(db, int(key))
        db.execute("DELETE FROM file WHERE id = ?", (int(key),))
        removed += 1
    return removed
