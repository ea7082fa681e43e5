"""Texts and numbers as they are printed."""

INTERVAL, NARROW_INTERVAL = "{} to {}", "{} to\n{}"
"""An interval in one line of a cell, and in two."""


def visible(text: str) -> str:
    """Returns a text in one line, each control character replaced, so that a model's text cannot move the cursor."""
    return "".join(sign if sign.isprintable() else " " if sign.isspace() else "·" for sign in text)


def short(text: str, width: int) -> str:
    """Returns a text of at most `width` characters, cut with an ellipsis."""
    line = visible(text)
    return line if len(line) <= width else line[: width - 1].rstrip() + "…"


def counted(number: int, word: str) -> str:
    """Returns a number with its noun: `1 game`, `1,200 games`."""
    return f"{number:,} {word}" + ("" if number == 1 else "s")


def money(dollars: float) -> str:
    """Returns US dollars with two decimals, small sums with two significant digits: `12.50`, `0.0032`."""
    return f"{dollars:.2f}" if not dollars or dollars >= 0.1 else f"{dollars:.2g}"


def clock(seconds: float) -> str:
    """Returns a time such as `0:45` or `2:03:10`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
