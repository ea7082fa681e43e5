"""Films as mp4 (where an encoder is installed), WebP or GIF."""

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
from telephone.core.output_files import check_output, write_output

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PIL import Image

FORMATS = ("webp", "gif", "mp4")
_FPS = 5


@dataclass(frozen=True)
class FrameTiming:
    """How long each kind of frame is shown, in milliseconds."""

    title: int = 1600
    drawing: int = 1000
    """The image with the text that it was generated from."""
    description: int = 1200
    """The same with the description added."""
    last: int = 4000


def best_format() -> str:
    """Returns `mp4` if an encoder is installed, else `webp`."""
    return "mp4" if encoder() is not None else "webp"


def encoder() -> str | None:
    """Returns the path of ffmpeg (from the package imageio-ffmpeg, else from the system), or None if there is none."""
    try:
        found: Any = importlib.import_module("imageio_ffmpeg")
        return str(found.get_ffmpeg_exe())
    except (ImportError, RuntimeError):
        return shutil.which("ffmpeg")


def write_film(frames: Sequence[Image.Image], times: Sequence[int], path: Path | str) -> Path:
    """Writes frames as a film and returns its path; the file is written atomically.

    Args:
        frames: RGB images of one size, width and height even.
        times: Milliseconds that each frame is shown; mp4 rounds them to fifths of a second.
        path: Ends in .webp, .gif or .mp4.

    Raises:
        UsageError: another file ending, or mp4 without an encoder.
        StoreError: the file cannot be written, or the encoder fails.
    """
    path = film_path(Path(path))
    kind = path.suffix.lower().lstrip(".")
    write_output(path, _mp4(frames, times) if kind == "mp4" else encode_film(frames, times, kind))
    return path


def film_path(path: Path) -> Path:
    """Returns a path that a film can be written to; to be called before its frames are drawn.

    Raises:
        UsageError: it is a folder, has another file ending, or is an mp4 and there is no encoder.
    """
    kind = path.suffix.lower().lstrip(".")
    if kind not in FORMATS:  # a device too: the ending is the format
        raise UsageError(f"A film file ends in .webp, .gif or .mp4, not in {path.suffix!r}: choose another file name.")
    if kind == "mp4" and encoder() is None:
        raise UsageError("An mp4 needs ffmpeg or the package imageio-ffmpeg: install one, or write a .webp instead.")
    return check_output(path)


def encode_film(frames: Sequence[Image.Image], times: Sequence[int], kind: str = "webp") -> bytes:
    """Returns the bytes of a film.

    Args:
        frames: RGB images of one size.
        times: Milliseconds that each frame is shown.
        kind: webp or gif.
    """
    buffer = io.BytesIO()
    options: dict[str, Any] = {"save_all": True, "append_images": frames[1:], "duration": list(times), "loop": 0}
    if kind == "webp":
        options |= {"quality": 86, "method": 3}
    frames[0].save(buffer, format=kind.upper(), **options)
    return buffer.getvalue()


def _mp4(frames: Sequence[Image.Image], times: Sequence[int]) -> bytes:
    """Returns the bytes of an mp4; the encoder itself needs a plain file, whatever the film is written into."""
    try:
        with tempfile.TemporaryDirectory() as folder:
            part = Path(folder) / "film.mp4"
            reason = _encode(_command(encoder() or "ffmpeg", frames[0].size, part), frames, times)
            if reason is None:
                return part.read_bytes()
    except OSError as error:
        reason = error.strerror or str(error)
    raise StoreError(f"The film could not be encoded ({reason}): write a .webp instead.")


def _encode(command: list[str], frames: Sequence[Image.Image], times: Sequence[int]) -> str | None:
    """Pipes the frames to the encoder; returns the last line of its error output if it fails, else None."""
    with tempfile.TemporaryFile() as errors:
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=errors) as process:
            assert process.stdin is not None
            with contextlib.suppress(BrokenPipeError), process.stdin as pipe:
                for frame, time in zip(frames, times, strict=True):
                    for _ in range(max(1, round(time * _FPS / 1000))):
                        pipe.write(frame.tobytes())
        errors.seek(0)
        lines = errors.read().decode(errors="replace").strip().splitlines()
    return None if process.returncode == 0 else (lines[-1] if lines else f"exit code {process.returncode}")


def _command(program: str, size: tuple[int, int], path: Path) -> list[str]:
    """Returns the ffmpeg command: yuv420p and an index at the start, which every video player and browser supports."""
    source = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{size[0]}x{size[1]}", "-r", str(_FPS), "-i", "-"]
    target = ["-an", "-c:v", "libx264", "-preset", "veryfast", "-crf", "20", "-pix_fmt", "yuv420p", "-threads", "1"]
    return [program, "-loglevel", "error", "-y", *source, *target, "-movflags", "+faststart", str(path)]
