"""Images as files named by their content hash: written whole or not at all, checked when they are read."""

import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

from telephone.core.errors import StoreDamaged
from telephone.core.images import content_hash
from telephone.core.output_files import sync_folder, write_whole
from telephone.core.records import Artefact
from telephone.store.database import from_os, guarded

SUFFIX = ".png"


class ImageFiles:
    """The folder `images/` of a run."""

    def __init__(self, folder: Path) -> None:
        """Takes the folder; it is created when the first image is written."""
        self.folder = folder
        self._locks = {f"{number:02x}": threading.Lock() for number in range(256)}

    def path(self, sha: str) -> Path:
        """Returns the path of the image of this hash."""
        return self.folder / sha[:2] / f"{sha}{SUFFIX}"

    def write(self, images: Iterable[Artefact]) -> None:
        """Writes the images that are missing; when it returns they are on the disk. Safe in several threads.

        Raises:
            StoreError: the disk is full or cannot be written; what was not finished is removed.
        """
        named = {image.sha256: image.data for image in images}
        with guarded(self.folder):
            for sha, data in named.items():
                # An image that another thread has just written must be on the disk before this one relies on it.
                with self._locks[sha[:2]]:
                    if not self.path(sha).exists():
                        self._write_one(self.path(sha), data)

    def read(self, sha: str) -> bytes:
        """Returns the bytes of an image after checking them against its hash.

        Raises:
            StoreDamaged: the file is missing, or is not what was written.
        """
        path = self.path(sha)
        try:
            data = path.read_bytes()
        except FileNotFoundError as error:
            raise StoreDamaged(f"The image {path} is missing: restore it from a copy, or start a new run.") from error
        except OSError as error:
            raise from_os(path, error) from error
        if content_hash(data) != sha:
            raise StoreDamaged(f"The image {path} is not what was written: restore it from a copy, or start a new run.")
        return data

    def files(self) -> Iterator[Path]:
        """Yields every file in the folder, foreign ones included, in the order of names."""
        yield from sorted(path for path in self.folder.rglob("*") if path.is_file())

    def _write_one(self, path: Path, data: bytes) -> None:
        if not path.parent.exists():
            # Without `parents`: a run folder that was moved must not come back with new images and nothing else.
            self.folder.mkdir(exist_ok=True)
            path.parent.mkdir(exist_ok=True)
            sync_folder(self.folder)
        write_whole(path, data)
