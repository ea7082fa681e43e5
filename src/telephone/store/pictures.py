"""Pictures as files named by their content: written whole or not at all, read back only if the content is the same."""

import contextlib
import os
import tempfile
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

from telephone.core.errors import StoreDamaged
from telephone.core.images import content_hash
from telephone.core.records import Artefact
from telephone.store.database import from_os, guarded

SUFFIX = ".png"


class PictureFiles:
    """The folder `images/` of a run."""

    def __init__(self, folder: Path) -> None:
        """Names the folder; nothing is made until the first picture is written."""
        self.folder = folder
        self._locks = {f"{number:02x}": threading.Lock() for number in range(256)}

    def path(self, sha: str) -> Path:
        """Returns where a picture of this hash is kept."""
        return self.folder / sha[:2] / f"{sha}{SUFFIX}"

    def write(self, pictures: Iterable[Artefact]) -> None:
        """Writes the pictures that are not there yet; when it returns they are on the disk. Safe in several threads.

        Raises:
            StoreError: the disk is full or cannot be written; what was not finished is removed.
        """
        named = {each.sha256: each.data for each in pictures}
        with guarded(self.folder):
            for sha, data in named.items():
                # Who finds a picture that another thread has just written may rely on it being on the disk.
                with self._locks[sha[:2]]:
                    if not self.path(sha).exists():
                        self._write_one(self.path(sha), data)

    def read(self, sha: str) -> bytes:
        """Returns the bytes of a picture.

        Raises:
            StoreDamaged: the file is missing, or is not what was written.
        """
        path = self.path(sha)
        try:
            data = path.read_bytes()
        except FileNotFoundError as error:
            raise StoreDamaged(f"The picture {path} is missing: restore it from a copy, or start anew.") from error
        except OSError as error:
            raise from_os(path, error) from error
        if content_hash(data) != sha:
            raise StoreDamaged(f"The picture {path} is not what was written: restore it from a copy, or start anew.")
        return data

    def files(self) -> Iterator[Path]:
        """Yields every file in the folder, whether it belongs there or not, in the order of names."""
        yield from sorted(path for path in self.folder.rglob("*") if path.is_file())

    def _write_one(self, path: Path, data: bytes) -> None:
        if not path.parent.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            sync_folder(self.folder)
        write_whole(path, data)


def write_whole(path: Path, data: bytes) -> None:
    """Writes a file by way of a temporary one beside it, so that its name never shows half of it.

    Args:
        path: where to; an older file of this name is replaced.
        data: what.

    Raises:
        OSError: the disk is full or cannot be written; the temporary file is removed.
    """
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)  # mkstemp makes files that only their owner can read
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Waits until the names in a folder are on the disk, where the system has such a thing."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
