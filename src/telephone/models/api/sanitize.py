"""What comes back from elsewhere is not trusted: pictures are sniffed and redrawn, texts are cut and cleaned."""

import base64
import binascii
import json
import re
import unicodedata
from urllib.parse import unquote_to_bytes

from PIL import Image

from telephone.core.errors import ModelError
from telephone.core.images import decode
from telephone.core.redaction import conceal, redact

MAX_PICTURE = 32 * 2**20
"""Bytes of a picture's file."""
MAX_TEXT = 8_000
"""Characters of a description; more is cut off."""
MAX_NOTE = 2_000
"""Characters of what is kept beside an answer."""
MAX_MESSAGE = 240
"""Characters of a provider's own words in an error."""

_SIGNATURES = (
    ("PNG", re.compile(rb"\x89PNG\r\n\x1a\n")),
    ("JPEG", re.compile(rb"\xff\xd8\xff")),
    ("WEBP", re.compile(rb"RIFF....WEBP", re.DOTALL)),
    ("GIF", re.compile(rb"GIF8[79]a")),
)
_KEPT_MARKS = {"\n", "\t", "\u200c", "\u200d"}
"""Of all that cannot be seen: line ends, and the joiners without which Persian and many emoji fall apart."""

_UNSEEN = ("Cc", "Cf", "Cs")
"""Unicode's classes of control characters, of formats (turned directions, hidden tags) and of halves of characters."""


def sniff(data: bytes) -> str | None:
    """Returns PNG, JPEG, WEBP or GIF by the first bytes, None for anything else."""
    return next((name for name, start in _SIGNATURES if start.match(data)), None)


def picture(data: bytes) -> Image.Image:
    """Returns the picture in RGB, upright and without metadata.

    Args:
        data: what a provider sent, whatever it called it.

    Raises:
        ModelError: it is none of the four formats, is broken, or would decode to too many pixels.
    """
    kind = sniff(data)
    if kind is None:
        raise ModelError(f"The answer is not a PNG, JPEG, WebP or GIF picture: it is {_looks(data)}.")
    return decode(data, formats=(kind,))


def embedded(url: str, most: int = MAX_PICTURE) -> bytes:
    """Returns the bytes of a `data:` address.

    Raises:
        ModelError: it is not one, is not valid, or holds more than `most` bytes.
    """
    head, comma, body = url.partition(",")
    if not head.lower().startswith("data:") or not comma:
        raise ModelError("The answer's data address cannot be read.")
    if len(body) > most * 3:
        raise ModelError(f"The answer's data address is larger than {most} bytes.")
    return base64_bytes(body, most) if head.lower().endswith(";base64") else unquote_to_bytes(body)[:most]


def base64_bytes(text: object, most: int = MAX_PICTURE) -> bytes:
    """Returns the bytes of a base64 text.

    Raises:
        ModelError: it is not base64, or holds more than `most` bytes.
    """
    if not isinstance(text, str) or len(text) > most * 2:
        raise ModelError(f"The answer's picture is not base64 of at most {most} bytes.")
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        raise ModelError("The answer's picture is not valid base64.") from None


def text(raw: object, most: int = MAX_TEXT) -> str:
    """Returns a text without control characters, without what turns its direction or hides in it, and cut at a limit.

    Args:
        raw: what a provider sent in place of a description.
        most: characters that are kept.

    Raises:
        ModelError: it is no text, or nothing is left of it.
    """
    if not isinstance(raw, str):
        raise ModelError(f"The answer holds a value of type {type(raw).__name__} in place of a text.")
    cleaned = clean(raw, most)
    if not cleaned:
        raise ModelError("The answer is an empty text: there is nothing to draw from.")
    return cleaned


def clean(raw: str, most: int = MAX_TEXT) -> str:
    """Returns what is left of a text when it is cleaned, stripped and cut; may be empty."""
    lines = re.sub("\r\n|[\r\v\f\x1c-\x1e\x85\u2028\u2029]", "\n", raw[: most * 4])
    seen = "".join(mark for mark in lines if mark in _KEPT_MARKS or unicodedata.category(mark) not in _UNSEEN)
    return conceal(seen).strip()[:most].rstrip()


def said(words: object, most: int = MAX_MESSAGE) -> str:
    """Returns a provider's own words for use inside an error: one clean line without keys, empty if there are none."""
    if not isinstance(words, str):
        return ""
    line = " ".join(redact(clean(words, most * 8)).split())
    return line if len(line) <= most else line[: most - 1] + "…"


def note(**facts: object) -> str:
    """Returns what is known beside an answer as JSON without keys; facts that are None or empty are left out."""
    known = {name: fact for name, fact in facts.items() if fact not in (None, "", [], {})}
    written = json.dumps(known, ensure_ascii=False, sort_keys=True, default=str) if known else ""
    return redact(clean(written, MAX_NOTE))


def _looks(data: bytes) -> str:
    start = data[:256].lstrip().lower()
    if not start:
        return "empty"
    if start.startswith((b"<!doctype", b"<html", b"<?xml", b"<svg", b"<")):
        return "a page of HTML or XML"
    return "JSON" if start[:1] in b"{[" else f"{len(data)} bytes of something else"
