"""Indexing a folder: what is new is decoded and embedded, what changed is replaced, what is gone is removed.

Workers read, decode and measure files while the model embeds the batch before. Each batch is one transaction, so a
process that is killed loses at most the batch in its hands, and the next one continues after it.
"""

import hashlib
import itertools
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from telephone.core.errors import ModelError, UsageError
from telephone.core.signals import stop_requests
from telephone.models import Embedder, name_of
from telephone.search.library import EncoderRow, Library, NewPicture
from telephone.search.picture_files import FoundFile, find_pictures
from telephone.search.picture_properties import MeasuredPicture, measure, reason_of

BATCH = 64
"""Pictures that are embedded and written at once."""
SEAL = 20_000
"""Live rows from which a segment is written."""
LARGEST = 256 * 2**20
"""Bytes of a file from which it is not read."""
SIDE = 1024
"""Longer side of the copies that wait for the model, in pixels; models read smaller pictures."""


@dataclass(frozen=True)
class IndexProgress:
    """How far an indexing is."""

    done: int
    """Files that were looked at: added, replaced, or broken."""
    total: int
    """New and changed files."""
    broken: int
    seconds: float

    @property
    def per_second(self) -> float:
        """Files a second since the start."""
        return self.done / self.seconds if self.seconds > 0 else 0.0

    @property
    def seconds_left(self) -> float | None:
        """At this speed; None before the first file."""
        return (self.total - self.done) / self.per_second if self.done else None


@dataclass(frozen=True)
class IndexResult:
    """What an indexing changed."""

    added: int
    replaced: int
    removed: int
    unchanged: int
    broken: int
    """Files that could not be used this time; `Library.broken` names them with the reasons."""
    seconds: float
    interrupted: bool = False


@dataclass(frozen=True)
class Encoder:
    """An embedder and its number in the library."""

    row: EncoderRow
    model: Embedder


@dataclass
class IndexOptions:
    """How a folder is indexed."""

    shard: tuple[int, int] = (1, 1)
    """Which part of the files: `(i, n)` is the i-th of n."""
    batch: int = BATCH
    workers: int = field(default_factory=lambda: min(8, os.cpu_count() or 1))
    """Threads that read and decode files."""
    seal: int = SEAL
    captions: Mapping[bytes, str] = field(default_factory=dict)
    """A caption by path in the folder."""
    tags: Mapping[bytes, Sequence[str]] = field(default_factory=dict)
    """Tags by path in the folder."""


def index_folder(
    library: Library,
    root: Path,
    encoders: Sequence[Embedder],
    options: IndexOptions | None = None,
    progress: Callable[[IndexProgress], None] | None = None,
) -> IndexResult:
    """Brings a library in line with a folder: adds, replaces and removes; a second call changes nothing.

    Ctrl-C and SIGTERM end it after the present batch; the same call continues.

    Args:
        library: open, not being written by another process.
        root: the folder, with all folders in it.
        encoders: embedders of images.
        options: see `IndexOptions`.
        progress: called after each batch.

    Raises:
        UsageError: the folder does not exist, or an encoder gives no vectors of images.
        StoreError: another process writes, or the disk is full.
        WeightsError: the weights of an encoder are missing.
    """
    if not encoders:
        raise UsageError("Give at least one encoder, such as pocket/clip.")
    root = Path(os.path.abspath(root))
    stop = threading.Event()
    with library.writing(), stop_requests(stop.set):
        chosen = [_add_encoder(library, model) for model in encoders]
        work = _Indexing(library, root, chosen, options or IndexOptions(), progress or (lambda event: None))
        return work.run(stop)


def _add_encoder(library: Library, model: Embedder) -> Encoder:
    probe = model.embed_images([Image.new("RGB", (8, 8))])
    width = int(np.asarray(probe).shape[1])
    # The address, by which searches load the model again; a model that was made in Python has only a name.
    ref = model.ref or name_of(model)
    return Encoder(library.add_encoder(ref, model.traits().fingerprint, width, _reads(model)), model)


def _reads(model: Embedder) -> str:
    try:
        model.embed_texts(["a red apple"])
    except UsageError:
        return "image"
    return "image,text"


@dataclass
class _Read:
    """A file after the workers, before the model."""

    picture: NewPicture
    image: Image.Image | None


class _Indexing:
    """One call of `index_folder`."""

    def __init__(
        self,
        library: Library,
        root: Path,
        encoders: Sequence[Encoder],
        options: IndexOptions,
        progress: Callable[[IndexProgress], None],
    ) -> None:
        self.library, self.root, self.encoders = library, root, encoders
        self.options, self.progress = options, progress
        self.clock = time.monotonic()
        self.done = self.broken = 0

    def run(self, stop: threading.Event) -> IndexResult:
        known = self.library.files(self.root)
        found = list(find_pictures(self.root, self.options.shard))
        new = [each for each in found if each.path not in known]
        changed = [each for each in found if each.path in known and known[each.path][1:3] != (each.size, each.modified)]
        removed = self._remove_missing(known, found)
        todo = new + changed
        for batch in self._batches(todo, stop):
            self._store(batch)
            self._seal()
            self.progress(IndexProgress(self.done, len(todo), self.broken, time.monotonic() - self.clock))
        added = min(self.done, len(new))
        return IndexResult(
            added, self.done - added, removed, len(found) - len(todo), self.broken,
            time.monotonic() - self.clock, stop.is_set() and self.done < len(todo),
        )  # fmt: skip

    def _seal(self) -> None:
        live = self.library.catalog.one("SELECT count(*) FROM live")
        if live is not None and live[0] >= self.options.seal:
            self.library.seal()

    def _remove_missing(self, known: Mapping[bytes, tuple[int, int, int, str]], found: Sequence[FoundFile]) -> int:
        """Removes files that are gone; a part of a folder knows only of its own files."""
        if self.options.shard[1] != 1:
            return 0
        here = {each.path for each in found}
        return self.library.remove([row[0] for path, row in known.items() if path not in here])

    def _batches(self, todo: Sequence[FoundFile], stop: threading.Event) -> Iterator[list[_Read]]:
        """Yields files in batches; the workers stay two batches ahead of the model."""
        ahead = 2 * self.options.batch
        with ThreadPoolExecutor(max(1, self.options.workers), thread_name_prefix="decode") as pool:
            waiting: list[Future[_Read]] = []
            source = iter(todo)
            try:
                while not stop.is_set():
                    fresh = itertools.islice(source, ahead + self.options.batch - len(waiting))
                    waiting += [pool.submit(self._read, each) for each in fresh]
                    if not waiting:
                        return
                    batch, waiting = waiting[: self.options.batch], waiting[self.options.batch :]
                    yield [each.result() for each in batch]
            finally:
                for each in waiting:
                    each.cancel()

    def _read(self, found: FoundFile) -> _Read:
        """Reads, decodes and measures one file; every fault becomes a row with its reason."""
        picture = NewPicture(self.root, found.path, found.size, found.modified)
        try:
            if found.size > LARGEST:
                raise ModelError(f"The file has {found.size:,} bytes; the limit is {LARGEST:,}: make a smaller copy.")
            data = Path(os.fsdecode(os.fsencode(self.root) + b"/" + found.path)).read_bytes()
            picture = replace(picture, sha256=hashlib.sha256(data).hexdigest())
            measured: MeasuredPicture = measure(data)
        except Exception as error:  # noqa: BLE001 - a broken file leads the decoders into errors of any type
            return _Read(replace(picture, reason=reason_of(error)), None)
        extra: dict[str, Any] = {"caption": self.options.captions.get(found.path)}
        extra["tags"] = list(self.options.tags.get(found.path, ()))
        image = measured.image
        image.thumbnail((SIDE, SIDE), reducing_gap=2.0)
        return _Read(replace(picture, properties=measured.properties | extra), image)

    def _store(self, batch: Sequence[_Read]) -> None:
        shown = [each.image for each in batch if each.image is not None]
        vectors = [self._embed(encoder, shown) for encoder in self.encoders] if shown else []
        rows = iter(range(len(shown)))
        pictures = []
        for each in batch:
            if each.image is None:
                pictures.append(each.picture)
                continue
            at = next(rows)
            own = {encoder.row.number: part[at] for encoder, part in zip(self.encoders, vectors, strict=True)}
            pictures.append(replace(each.picture, vectors=own))
        self.library.add(pictures)
        self.done += len(batch)
        self.broken += len(batch) - len(shown)

    def _embed(self, encoder: Encoder, images: list[Image.Image]) -> NDArray[np.float32]:
        rows = np.asarray(encoder.model.embed_images(images), dtype=np.float32)
        if rows.shape != (len(images), encoder.row.width) or not np.isfinite(rows).all():
            raise ModelError(
                f"{encoder.row.ref} returned an array of shape {rows.shape} for {len(images)} pictures, or numbers "
                "that are not finite: it cannot be used as an encoder."
            )
        return rows
