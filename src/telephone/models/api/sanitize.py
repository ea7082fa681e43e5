"""Checks everything that a provider returns: images are re-encoded, texts cleaned and cut, vectors normalised."""

import base64
import binascii
import json
import re
import unicodedata
from collections.abc import Sequence
from typing import Any
from urllib.parse import unquote_to_bytes

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from telephone.core.errors import ModelError
from telephone.core.images import decode
from telephone.core.redaction import conceal, redact
from telephone.models.answer_cleaning import clean_answer

MAX_IMAGE_BYTES = 32 * 2**20
"""Bytes of an image file."""
MAX_TEXT = 8_000
"""Characters of a description; the rest is cut off."""
MAX_METADATA = 2_000
"""Characters of the stored metadata of a response."""
MAX_MESSAGE = 240
"""Characters of a provider's message inside an error."""
MAX_DIMENSIONS = 100_000
"""Numbers of one vector."""

_SIGNATURES = (
    ("PNG", re.compile(rb"\x89PNG\r\n\x1a\n")),
    ("JPEG", re.compile(rb"\xff\xd8\xff")),
    ("WEBP", re.compile(rb"RIFF....WEBP", re.DOTALL)),
    ("GIF", re.compile(rb"GIF8[79]a")),
    ("AVIF", re.compile(rb"....ftypavi[fs]", re.DOTALL)),
)
IMAGE_FORMATS = tuple(name for name, _ in _SIGNATURES)
"""Formats that are read, by Pillow's names."""
MAX_ESCAPED = 2**20
"""Characters of a `data:` URL that is not base64; each may become an object of its own while it is decoded."""
_STANDARD_ALPHABET = bytes.maketrans(b"-_", b"+/")
_KEPT_INVISIBLE = {"\n", "\t", "\u200c", "\u200d"}
"""Line ends, and the joiners that Persian and many emoji need."""
_REMOVED_CATEGORIES = ("Cc", "Cf", "Cs")
"""Unicode categories of control characters, format characters (direction marks, hidden tags) and surrogates."""


def image_format(data: bytes) -> str | None:
    """Returns PNG, JPEG, WEBP, GIF or AVIF by the first bytes, None for anything else."""
    return next((name for name, start in _SIGNATURES if start.match(data)), None)


def decode_image(data: bytes) -> Image.Image:
    """Returns an image file as an upright RGB image without metadata.

    Args:
        data: the file, whatever its declared type.

    Raises:
        ModelError: it has none of the five formats, is broken, or has too many pixels.
    """
    found = image_format(data)
    if found is None:
        raise ModelError(f"The file is not a PNG, JPEG, WebP, GIF or AVIF image: it is {_content_type(data)}.")
    return decode(data, formats=(found,))


def data_url_bytes(url: str, max_bytes: int = MAX_IMAGE_BYTES) -> bytes:
    """Returns the content of a `data:` URL.

    Raises:
        ModelError: it is not a valid one, or its content is longer than `max_bytes`.
    """
    head, comma, body = url.partition(",")
    if not head.lower().startswith("data:") or not comma:
        raise ModelError("The data URL is invalid.")
    if "".join(head.lower().split()).endswith(";base64"):  # some clients write a space after the semicolon
        return base64_bytes(body, max_bytes)
    if len(body) > min(3 * max_bytes, MAX_ESCAPED):
        raise ModelError(f"The data URL is longer than {MAX_ESCAPED} characters and not base64.")
    return unquote_to_bytes(body)[:max_bytes]


def inline_bytes(text: object, max_bytes: int = MAX_IMAGE_BYTES) -> bytes:
    """Returns the bytes of an image inside a response: base64, which some servers write as a `data:` URL.

    Raises:
        ModelError: it is neither, or longer than `max_bytes` allows.
    """
    if isinstance(text, str) and text[:5].lower() == "data:":
        return data_url_bytes(text, max_bytes)
    return base64_bytes(text, max_bytes)


def base64_bytes(text: object, max_bytes: int = MAX_IMAGE_BYTES) -> bytes:
    """Returns the bytes of a base64 text, of either alphabet, with or without padding, white space ignored.

    Raises:
        ModelError: it is not base64, or longer than `max_bytes` allows.
    """
    if not isinstance(text, str) or len(text) > max_bytes * 2:
        raise ModelError(f"The image is not base64 of at most {max_bytes} bytes.")
    try:
        plain = text.encode("ascii").translate(_STANDARD_ALPHABET, b" \t\r\n\f\v").rstrip(b"=")
        return base64.b64decode(plain + b"=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise ModelError("The image is not valid base64.") from None


def clean_text(raw: object, limit: int = MAX_TEXT) -> str:
    """Returns a text without reasoning, chat markers, control, direction and hidden characters, cut at a limit.

    Args:
        raw: the value in the provider's response.
        limit: maximum characters.

    Raises:
        ModelError: it is not a text, its reasoning has no end, or the cleaned text is empty.
    """
    if not isinstance(raw, str):
        raise ModelError(f"The response has a value of type {type(raw).__name__} instead of a text.")
    cleaned = clean(clean_answer(raw), limit)
    if not cleaned:
        raise ModelError("The response is an empty text: there is nothing to generate an image from.")
    return cleaned


def clean(raw: str, limit: int = MAX_TEXT) -> str:
    """Returns a text cleaned, stripped and cut; it may be empty."""
    lines = re.sub("\r\n|[\r\v\f\x1c-\x1e\x85\u2028\u2029]", "\n", raw[: limit * 4])
    kept = "".join(
        sign for sign in lines if sign in _KEPT_INVISIBLE or unicodedata.category(sign) not in _REMOVED_CATEGORIES
    )
    return conceal(kept).strip()[:limit].rstrip()


def provider_message(raw: object, limit: int = MAX_MESSAGE) -> str:
    """Returns a provider's message for use in an error: one clean line without keys; empty if it is not a text."""
    if not isinstance(raw, str):
        return ""
    line = " ".join(redact(clean(raw, limit * 8)).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def metadata_json(**fields: object) -> str:
    """Returns metadata of a response as JSON without keys; fields that are None or empty are left out."""
    known = {name: value for name, value in fields.items() if value not in (None, "", [], {})}
    written = json.dumps(known, ensure_ascii=False, sort_keys=True, default=str) if known else ""
    return redact(clean(written, MAX_METADATA))


def unit_rows(rows: Sequence[Any], count: int, label: str) -> NDArray[np.float32]:
    """Returns float32 [count, d] of unit length.

    Args:
        rows: one vector a text, in order, of any type.
        count: expected number of vectors.
        label: model and host, for messages.

    Raises:
        ModelError: the number of vectors is wrong, their lengths differ, or one is zero or not finite.
    """
    if len(rows) != count:
        raise ModelError(f"{label} returns {len(rows)} vectors for {count} texts.")
    if count == 0:
        return np.zeros((0, 0), dtype=np.float32)
    try:
        table = np.asarray(rows, dtype=np.float64)
    except (TypeError, ValueError):
        raise ModelError(f"{label} returns something other than a table of numbers.") from None
    if table.ndim != 2 or table.shape[1] == 0 or table.shape[1] > MAX_DIMENSIONS:
        raise ModelError(f"{label} returns an array of shape {list(table.shape)[:4]} instead of one vector a text.")
    lengths = np.linalg.norm(table, axis=1, keepdims=True)
    if not np.isfinite(lengths).all() or not (lengths > 0).all():
        raise ModelError(f"{label} returns a vector that is zero or not finite.")
    return np.asarray(table / lengths, dtype=np.float32)


def _content_type(data: bytes) -> str:
    start = data[:256].lstrip().lower()
    if not start:
        return "empty"
    if start.startswith((b"<!doctype", b"<html", b"<?xml", b"<svg", b"<")):
        return "HTML or XML"
    return "JSON" if start[:1] in b"{[" else f"{len(data)} bytes of another type"
