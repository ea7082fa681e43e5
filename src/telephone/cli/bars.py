"""Horizontal bars of text, for the cells of tables."""

_BLOCKS = " ▏▎▍▌▋▊▉█"


def bar(value: float, largest: float, width: int, encoding: str = "utf-8") -> str:
    """Returns a horizontal bar: block characters in eighths of a character, `#` where they cannot be printed.

    Args:
        value: its length, in [0, largest]; NaN gives an empty bar.
        largest: the value of a bar of `width` characters.
        width: characters.
        encoding: of the output.
    """
    share = value / largest if largest > 0 and value == value else 0.0
    eighths = round(8 * width * min(1.0, max(0.0, share)))
    try:
        _BLOCKS.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return "#" * round(eighths / 8)
    return _BLOCKS[8] * (eighths // 8) + _BLOCKS[eighths % 8].strip()
