"""Finds the picture files of a folder: links and loops, hidden files, names in any encoding."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from telephone.core.errors import UsageError

ENDINGS = frozenset(
    b".png .jpg .jpeg .jpe .jfif .gif .webp .avif .tif .tiff .bmp .dib .jp2 .ico .ppm .pgm .pbm .tga .qoi".split()
)
"""Endings of picture files, in lower case; other files are not opened."""


@dataclass(frozen=True)
class FoundFile:
    """A file that may be a picture."""

    path: bytes
    """In the folder, as the system spells it, with `/` between folders."""
    size: int
    """Bytes."""
    modified: int
    """Nanoseconds since the epoch."""


def find_pictures(root: Path, shard: tuple[int, int] = (1, 1)) -> Iterator[FoundFile]:
    """Yields the picture files of a folder and of all folders in it, in the order of their paths.

    Links to files and folders are followed, each folder once, so that a loop of links ends. Names that begin with a
    point are left out.

    Args:
        root: the folder.
        shard: `(i, n)` yields the i-th of n parts, which together are all files; a file's part depends on its path.

    Raises:
        UsageError: there is no such folder, or no such part.
    """
    number, parts = shard
    if not 1 <= number <= parts:
        raise UsageError(f"There is no part {number} of {parts}: give --shard i/n with i from 1 to n.")
    if not root.is_dir():
        what = "is a file, not a folder" if root.exists() else "does not exist"
        raise UsageError(f"{root} {what}: give the folder that holds the pictures.")
    for found in _walk(os.fsencode(root), b"", set()):
        if parts == 1 or _part(found.path, parts) == number - 1:
            yield found


def _walk(folder: bytes, prefix: bytes, seen: set[tuple[int, int]]) -> Iterator[FoundFile]:
    try:
        here = os.stat(folder)
        entries = sorted(os.scandir(folder), key=lambda each: each.name)
    except OSError:
        return  # a folder that may not be read, or has just been removed
    if (here.st_dev, here.st_ino) in seen:
        return
    seen.add((here.st_dev, here.st_ino))
    for entry in entries:
        if entry.name.startswith(b"."):
            continue
        path = prefix + entry.name
        try:
            if entry.is_dir():
                yield from _walk(entry.path, path + b"/", seen)
            elif os.path.splitext(entry.name)[1].lower() in ENDINGS and entry.is_file():
                status = entry.stat()
                yield FoundFile(path, status.st_size, status.st_mtime_ns)
        except OSError:
            continue  # removed meanwhile, or a link that leads nowhere


def _part(path: bytes, parts: int) -> int:
    """Returns the part of a path; FNV-1a, as Python's own hash differs from process to process."""
    value = 0xCBF29CE484222325
    for byte in path:
        value = (value ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return value % parts
