"""Removes a stock opening, such as "The image shows", from the start of a caption.

A text-to-image model would draw the opening, and over many turns openings would accumulate.
"""

import re

_IMAGE = r"(?:image|picture)"
_VERB = r"(?:shows|depicts|features|displays|presents|portrays|contains|captures|illustrates|is showing|is of)"
_ENGLISH = (
    rf"(?:here(?:'s|’s| is)|this is)\s+an?\s+(?:\w+\s+)?description\s+of\s+(?:the|this|your)\s+{_IMAGE}\s*[:.]",
    rf"(?:the|this)\s+{_IMAGE}\s+{_VERB}\b\s*:?",
    rf"in\s+(?:the|this)\s+{_IMAGE},?\s+(?:there\s+(?:is|are)|(?:we|you|one)\s+can\s+see)\b",
    rf"(?:this\s+is\s+)?an?\s+{_IMAGE}\s+of\b",
)
_POLITE = r"(?:(?:sure|certainly|of course|absolutely)[!,.]\s+)?"
_CHINESE = r"(?:这|该)?(?:张|幅)?(?:图片|图像|照片|图)(?:中)?(?:展示了|显示了|描绘了|是)"
_OPENING = re.compile(rf"\s*(?:{_POLITE}(?:{'|'.join(_ENGLISH)})(?=\s|$)|{_CHINESE})\s*[,，:：]?\s*", re.IGNORECASE)

WORLD_OPENINGS = ("This is a picture of ",)
"""Openings of the detailed wording of the pocket world; the pocket text-to-image models are trained on them."""


def strip_opening(text: str, keep: tuple[str, ...] = ()) -> str:
    """Returns the text without one stock opening at its very start; letter case is unchanged.

    The text stays as it is if it has no stock opening at its start, or if nothing would be left.

    Args:
        text: a caption.
        keep: openings that are not removed, matched exactly.
    """
    found = _OPENING.match(text)
    if not found or text.startswith(keep):
        return text
    rest = text[found.end() :]
    return rest if rest.strip() else text


def clean_caption(text: str) -> str:
    """Returns the caption of a pocket model, stripped and without stock openings other than the pocket world's."""
    return strip_opening(text.strip(), WORLD_OPENINGS)
