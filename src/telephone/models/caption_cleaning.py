"""Takes the stock words off the front of a description, such as "The image shows": they would be drawn, or pile up."""

import re

_PICTURE = r"(?:image|picture)"
_VERB = r"(?:shows|depicts|features|displays|presents|portrays|contains|captures|illustrates|is showing|is of)"
_ENGLISH = (
    rf"(?:here(?:'s|’s| is)|this is)\s+an?\s+(?:\w+\s+)?description\s+of\s+(?:the|this|your)\s+{_PICTURE}\s*[:.]",
    rf"(?:the|this)\s+{_PICTURE}\s+{_VERB}\b\s*:?",
    rf"in\s+(?:the|this)\s+{_PICTURE},?\s+(?:there\s+(?:is|are)|(?:we|you|one)\s+can\s+see)\b",
    rf"(?:this\s+is\s+)?an?\s+{_PICTURE}\s+of\b",
)
_POLITE = r"(?:(?:sure|certainly|of course|absolutely)[!,.]\s+)?"
_CHINESE = r"(?:这|该)?(?:张|幅)?(?:图片|图像|照片|图)(?:中)?(?:展示了|显示了|描绘了|是)"
_OPENING = re.compile(rf"\s*(?:{_POLITE}(?:{'|'.join(_ENGLISH)})(?=\s|$)|{_CHINESE})\s*[,，:：]?\s*", re.IGNORECASE)


WORLDS_OWN = ("This is a picture of ",)
"""An opening that the detailed wording of the pocket world has itself: its drawers learned to read it."""


def without_opening(text: str, keep: tuple[str, ...] = ()) -> str:
    """Returns the text without one stock opening at its very start; the case of what is left stays as it is.

    Nothing else is touched: what is not a stock opening, stands further on, or would leave nothing, stays.

    Args:
        text: a description.
        keep: openings that stay, as they are written.
    """
    found = _OPENING.match(text)
    if not found or text.startswith(keep):
        return text
    rest = text[found.end() :]
    return rest if rest.strip() else text


def cleaned(text: str) -> str:
    """Returns what a pocket describer hands on: stripped, and without a stock opening that is not the world's own."""
    return without_opening(text.strip(), WORLDS_OWN)
