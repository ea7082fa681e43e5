"""Between bytes and pixels: everything that decodes, strips or encodes a picture is here, and nowhere else."""

import contextlib
import io
import re
import threading
import warnings
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from telephone.core.errors import ModelError
from telephone.core.seeds import content_hash as content_hash

MAX_PIXELS = 64_000_000
"""A picture with more pixels than this is refused before it is decoded."""
FORMATS = (
    "PNG", "JPEG", "GIF", "WEBP", "AVIF", "TIFF", "BMP", "DIB",
    "JPEG2000", "ICO", "PPM", "TGA", "PCX", "SGI", "QOI",
)  # fmt: skip
"""Formats that are decoded, by Pillow's names. EPS is not one of them: it is a program, and others would run it."""
_FILTERS = threading.Lock()
"""Held while filters of warnings are changed: they belong to the process, and two threads would keep each other's."""
_PNG = b"\x89PNG\r\n\x1a\n"
_METADATA = (b"tEXt", b"zTXt", b"iTXt", b"iCCP")
"""Types of the chunks of a PNG file that hold texts, and the colour profile."""
_DEEP = ("I", "I;16", "I;16B", "I;16L", "I;16N", "F")
"""Modes of one channel with more than 8 bits."""


@contextlib.contextmanager
def own_filters() -> Iterator[None]:
    """Lets a thread change the filters of warnings for as long as the block lasts; other threads wait at theirs."""
    with _FILTERS, warnings.catch_warnings():
        yield


def to_rgb(image: Image.Image) -> Image.Image:
    """Returns the picture upright, in RGB and without metadata; transparency is laid on white.

    More than 8 bits a channel are brought to 8: whole numbers from 16 bits, numbers with a point from [0, 1] if none is
    above 1. Of a moving picture the first frame is taken. Colour profiles are not applied.

    Raises:
        ModelError: it has more than `MAX_PIXELS` or none, or is a file's that turns out not to be decodable.
    """
    _check_size(image)
    try:
        image.load()  # a file's picture is decoded only now
        _check_size(image)
        return _flat(_upright(image))
    except ModelError:
        raise
    except Exception as error:  # noqa: BLE001 - a broken file leads Pillow into errors of any type
        raise ModelError(f"The picture cannot be decoded: {_why(error)}; save it again as PNG or JPEG.") from error


def _as_rgb(image: Image.Image) -> Image.Image:
    """Returns what `to_rgb` does, the image itself where there is nothing to convert."""
    plain = type(image) is Image.Image and not image.info and getattr(image, "_exif", None) is None
    if not plain or image.mode != "RGB":
        return to_rgb(image)
    _check_size(image)
    return image


def _check_size(image: Image.Image) -> None:
    if not 0 < image.width * image.height <= MAX_PIXELS:
        size = f"{image.width} x {image.height}"
        raise ModelError(f"The picture is {size}; give one that has pixels and at most {MAX_PIXELS:,} of them.")


def _upright(image: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # noqa: BLE001 - a broken tag is no reason to refuse the pixels; which errors it makes is Pillow's
        return image


def _flat(image: Image.Image) -> Image.Image:
    if image.mode in _DEEP:
        image = _shallow(image)
    if image.mode == "LAB":
        image = _from_lab(image)
    if image.mode in ("La", "RGBa"):  # premultiplied
        image = image.convert(image.mode.upper())
    if "A" in image.getbands() or "transparency" in image.info:
        image = image.convert("RGBA")
        ground = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(ground, image)
    pixels = np.asarray(image.convert("RGB"))
    return Image.fromarray(pixels)  # a fresh picture carries no metadata of the old one


def _shallow(image: Image.Image) -> Image.Image:
    levels = np.nan_to_num(np.asarray(image, dtype=np.float64), posinf=0.0, neginf=0.0)
    most = float(levels.max())
    if image.mode == "F":
        top = 1.0 if most <= 1 else max(most, 255.0)
    else:
        top = max(most, 65535.0) if most > 255 else 255.0
    return Image.fromarray((levels * (255.0 / top)).clip(0, 255).astype(np.uint8))


def _from_lab(image: Image.Image) -> Image.Image:
    from PIL import ImageCms  # rarely needed, and not there in every build of Pillow

    profiles = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
    turned = ImageCms.applyTransform(image, ImageCms.buildTransform(*profiles, "LAB", "RGB"))
    return turned if turned is not None else image


def encode_png(image: Image.Image) -> bytes:
    """Returns the picture as PNG bytes: RGB, no metadata, the same bytes for the same pixels."""
    return encode_rgb(_as_rgb(image))


def encode_rgb(image: Image.Image) -> bytes:
    """Returns as PNG bytes, equal to those of `encode_png`, an image that `to_rgb` has returned."""
    buffer = io.BytesIO()
    image.save(buffer, format="PNG", compress_level=3)
    return buffer.getvalue()


def decode(data: bytes, formats: tuple[str, ...] = FORMATS) -> Image.Image:
    """Returns the picture that the bytes hold, upright and in RGB.

    Args:
        data: a file's content.
        formats: the formats that are tried, by Pillow's names.

    Raises:
        ModelError: the bytes are no picture, are cut off, or would decode to more than `MAX_PIXELS`.
    """
    try:
        with own_filters():
            warnings.simplefilter("ignore")  # small damage that Pillow reads over
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            return to_rgb(Image.open(io.BytesIO(without_metadata(data)), formats=_known(formats)))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ModelError(f"The picture is too large: give one of at most {MAX_PIXELS:,} pixels.") from error
    except ModelError as error:
        if isinstance(error.__cause__, Exception):  # it was opened, but not read to its end
            raise _not_a_picture(data, error.__cause__) from error
        raise
    except Exception as error:  # noqa: BLE001 - a broken header leads Pillow into errors of any type
        raise _not_a_picture(data, error) from error


def without_metadata(data: bytes) -> bytes:
    """Returns a PNG file without its texts and its colour profile, any other file unchanged.

    They change no pixel here, and Pillow refuses a file whose texts are larger than a megabyte, such as the workflow
    that some image generators write into it.
    """
    if not data.startswith(_PNG):
        return data
    kept, start = [_PNG], len(_PNG)
    while start + 12 <= len(data):
        end = start + 12 + int.from_bytes(data[start : start + 4], "big")
        if data[start + 4 : start + 8] not in _METADATA:
            kept.append(data[start:end])
        start = end
    return b"".join([*kept, data[start:]])


def _known(formats: tuple[str, ...]) -> tuple[str, ...]:
    """Returns those that this build of Pillow has; it takes a name that it does not know for a fault in the program."""
    Image.init()
    return tuple(name for name in formats if name in Image.OPEN)


def _not_a_picture(data: bytes, error: Exception) -> ModelError:
    return ModelError(f"These {len(data)} bytes are not a picture that can be decoded: {_why(error)}.")


def _why(error: Exception) -> str:
    """Returns what Pillow says, without the address in memory that would make two equal failures differ."""
    said = re.sub(r"\s*<_io\.BytesIO object at 0x[0-9a-f]+>", "", str(error)).rstrip(".")
    return said or type(error).__name__


def to_array(image: Image.Image, size: int | None = None) -> NDArray[np.float32]:
    """Returns the picture as float32 [3, height, width] in [-1, 1], resized to `size` x `size` if given."""
    image = _as_rgb(image)
    if size is not None and image.size != (size, size):
        image = image.resize((size, size), Image.Resampling.BICUBIC, reducing_gap=3.0)
    pixels = np.asarray(image, dtype=np.float32).transpose(2, 0, 1)
    return pixels / np.float32(127.5) - np.float32(1)


def from_array(pixels: NDArray[np.float32]) -> Image.Image:
    """Returns float32 [3, height, width] in [-1, 1] as an RGB picture; values outside are clipped.

    Raises:
        ModelError: a value is not a finite number; it would become black or white.
    """
    if not np.isfinite(pixels).all():
        raise ModelError("The model computed values that are not a number: install its weights again.")
    levels = np.rint((np.clip(pixels, -1, 1) + 1) * 127.5).astype(np.uint8)
    return Image.fromarray(np.ascontiguousarray(levels.transpose(1, 2, 0)))
