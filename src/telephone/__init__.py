"""Text-to-image and image-to-text models play the telephone game; importing this costs nothing until a name is used.

from telephone import TelephoneLine, get_prompts, image2text, text2image

line = TelephoneLine(text2image("oracle/renderer"), image2text("fake/captioner"))
for prompt in get_prompts():
    line.play(prompt, nturns=10)
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from telephone.game import TelephoneLine
    from telephone.players import Embedder, Image2Text, Text2Image, embedder, image2text, text2image
    from telephone.prompts import get_prompts
    from telephone.records import Prompt

    __version__: str

_HOMES = {
    "Embedder": "telephone.players",
    "Image2Text": "telephone.players",
    "Prompt": "telephone.records",
    "TelephoneLine": "telephone.game",
    "Text2Image": "telephone.players",
    "embedder": "telephone.players",
    "get_prompts": "telephone.prompts",
    "image2text": "telephone.players",
    "text2image": "telephone.players",
}
"""Where each public name lives."""

__all__ = [
    "Embedder",
    "Image2Text",
    "Prompt",
    "TelephoneLine",
    "Text2Image",
    "__version__",
    "embedder",
    "get_prompts",
    "image2text",
    "text2image",
]


def __getattr__(name: str) -> Any:
    """Fetches a public name when it is first used, so that a script pays only for what it needs."""
    if name == "__version__":
        from importlib.metadata import version

        found: Any = version("ai-telephone")
    elif name in _HOMES:
        found = getattr(importlib.import_module(_HOMES[name]), name)
    else:
        raise AttributeError(f"module 'telephone' has no attribute {name!r}")
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    """Returns the public names and what has been loaded so far."""
    return sorted({*__all__, *globals()})
