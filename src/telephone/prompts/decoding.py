"""Decodes prompt files: UTF-8, UTF-16 and UTF-32 with or without byte order marks; characters that show nothing."""

import codecs
import unicodedata

from telephone.core.errors import PromptError

_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_NUL_SHARE = 0.2
"""Share of NUL bytes above which valid UTF-8 is read as UTF-16; English text in UTF-16 has one half."""
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Letters and symbols that are drawn as nothing: fillers of Hangul, the empty Braille pattern and others."""
_MEANINGLESS = "\u200b\u2060\u00ad\x1a\x00"
"""Zero-width space, word joiner, soft hyphen, Ctrl-Z and NUL, which mean nothing at the ends of a text."""


def decode(name: str, data: bytes) -> str:
    r"""Returns the text of a file with `\n` line ends and without byte order marks, those of joined files included.

    Args:
        name: of the file, for messages.
        data: its content.

    Raises:
        PromptError: the bytes are text in no encoding of Unicode.
    """
    text = _decoded(name, data).replace("\ufeff", "")
    return _normalise_line_ends(text)


def is_blank(text: str) -> bool:
    """Returns whether a text shows nothing: it has only spaces, control, format and other invisible characters."""
    return all(character in _BLANK or _shows_nothing(character) for character in text)


def trimmed(text: str) -> str:
    """Returns a text without white space and characters without meaning at its ends."""
    before = None
    while text != before:
        before, text = text, text.strip().strip(_MEANINGLESS)
    return text


def without_marks(text: str) -> str:
    """Returns a text without format characters, such as zero-width spaces, for names of columns."""
    return "".join(character for character in text if unicodedata.category(character) not in ("Cf", "Cc")).strip()


def _shows_nothing(character: str) -> bool:
    category = unicodedata.category(character)
    # Variation selectors are marks (Mn) that change the character before them.
    return category in ("Cc", "Cf", "Zs", "Zl", "Zp") or unicodedata.name(character, "").startswith("VARIATION SEL")


def _decoded(name: str, data: bytes) -> str:
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _strict(name, data, encoding)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        if b"\0" in data and (found := _utf_16(data)) is not None:
            return found
        raise _not_utf_8(name, error) from error
    if data.count(0) > _NUL_SHARE * len(data) and (found := _utf_16(data)) is not None:
        return found
    return text


def _utf_16(data: bytes) -> str | None:
    """Returns the text of UTF-16 without a byte order mark; None if it is none."""
    big = data[::2].count(0) > data[1::2].count(0)
    try:
        text = data.decode("utf-16-be" if big else "utf-16-le")
    except UnicodeDecodeError:
        return None
    strange = any(unicodedata.category(character) in ("Cn", "Co") or character == "\0" for character in text)
    return None if strange else text


def _strict(name: str, data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise PromptError(
            f"{name}: it begins as {encoding[:-3].upper()}, but the bytes at {error.start} are not; save it as UTF-8."
        ) from error


def _not_utf_8(name: str, error: UnicodeDecodeError) -> PromptError:
    lines = _normalise_line_ends(error.object[: error.start].decode()).split("\n")
    byte = error.object[error.start]
    return PromptError(
        f"{name}, line {len(lines)}, column {len(lines[-1]) + 1}: the byte 0x{byte:02x} is not UTF-8; "
        "save the file as UTF-8."
    )


def _normalise_line_ends(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")
