"""Moving pictures as files: frames and the time that each stays become mp4 (if there is an encoder), WebP or GIF."""

from __future__ import annotations

import contextlib
import importlib
import io
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from telephone.core.errors import StoreError, UsageError
from telephone.report.media.files import write_atomic

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PIL import Image

FORMATS = ("webp", "gif", "mp4")
_FPS = 5


@dataclass(frozen=True)
class FrameTiming:
    """How long a frame stays, in milliseconds."""

    title: int = 1600
    drawing: int = 1000
    """The drawing with the text that it came from."""
    description: int = 1200
    """The same with the description."""
    last: int = 4000


def best_format() -> str:
    """Returns mp4 where an encoder is installed, webp elsewhere."""
    return "mp4" if encoder() is not None else "webp"


def encoder() -> str | None:
    """Returns the path of ffmpeg, that of the package imageio-ffmpeg or one of the system, or None."""
    try:
        found: Any = importlib.import_module("imageio_ffmpeg")
        return str(found.get_ffmpeg_exe())
    except (ImportError, RuntimeError):
        return shutil.which("ffmpeg")


def write_film(frames: Sequence[Image.Image], times: Sequence[int], path: Path | str) -> Path:
    """Writes frames as a film and returns its path; the file is written whole or not at all.

    Args:
        frames: RGB, all of one size with even sides.
        times: Milliseconds that each frame stays; an mp4 rounds them to fifths of a second.
        path: Ends in .webp, .gif or .mp4.

    Raises:
        UsageError: another ending, or mp4 without an encoder.
        StoreError: the file cannot be written, or the encoder fails.
    """
    path = Path(path)
    kind = path.suffix.lower().lstrip(".")
    if kind not in FORMATS:
        raise UsageError(f"A film ends in .webp, .gif or .mp4, not in {path.suffix!r}: choose another name for it.")
    if kind == "mp4":
        _write_mp4(frames, times, path)
    else:
        write_atomic(path, _encoded(frames, times, kind))
    return path


def _encoded(frames: Sequence[Image.Image], times: Sequence[int], kind: str) -> bytes:
    buffer = io.BytesIO()
    options: dict[str, Any] = {"save_all": True, "append_images": frames[1:], "duration": list(times), "loop": 0}
    if kind == "webp":
        options |= {"quality": 86, "method": 3}
    frames[0].save(buffer, format=kind.upper(), **options)
    return buffer.getvalue()


def _write_mp4(frames: Sequence[Image.Image], times: Sequence[int], path: Path) -> None:
    program = encoder()
    if program is None:
        raise UsageError("An mp4 needs ffmpeg or the package imageio-ffmpeg: install one, or write a .webp instead.")
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.stem}.part.mp4")
    try:
        said = _encode(_command(program, frames[0].size, part), frames, times)
        if said is not None:
            raise StoreError(f"{path} could not be encoded ({said}): write a .webp instead.")
        part.replace(path)
    except OSError as error:
        raise StoreError(f"{path} could not be written ({error}): write a .webp instead.") from error
    finally:
        part.unlink(missing_ok=True)


def _encode(command: list[str], frames: Sequence[Image.Image], times: Sequence[int]) -> str | None:
    """Feeds the frames to the encoder one by one; returns its last words if it fails."""
    with tempfile.TemporaryFile() as words:
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=words) as encoding:
            assert encoding.stdin is not None
            with contextlib.suppress(BrokenPipeError), encoding.stdin as pipe:
                for frame, time in zip(frames, times, strict=True):
                    for _ in range(max(1, round(time * _FPS / 1000))):
                        pipe.write(frame.tobytes())
        words.seek(0)
        told = words.read().decode(errors="replace").strip().splitlines()
    return None if encoding.returncode == 0 else (told[-1] if told else f"exit code {encoding.returncode}")


def _command(program: str, size: tuple[int, int], path: Path) -> list[str]:
    """Every player shows yuv420p in an mp4 that starts with its index; still pictures need few frames a second."""
    given = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{size[0]}x{size[1]}", "-r", str(_FPS), "-i", "-"]
    wanted = ["-an", "-c:v", "libx264", "-preset", "veryfast", "-crf", "20", "-pix_fmt", "yuv420p", "-threads", "1"]
    return [program, "-loglevel", "error", "-y", *given, *wanted, "-movflags", "+faststart", str(path)]
