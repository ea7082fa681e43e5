"""Text-to-image and image-to-text models play the telephone game; importing this costs nothing until a name is used.

from telephone import TelephoneLine, get_prompts, image2text, text2image

line = TelephoneLine(text2image("oracle/renderer"), image2text("fake/captioner"))
for prompt in get_prompts():
    line.play(prompt, nturns=10)
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from telephone.pipeline import (
        Embedder,
        Image2Text,
        Prompt,
        TelephoneLine,
        Text2Image,
        embedder,
        get_prompts,
        image2text,
        text2image,
    )

    __version__: str

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
    if name not in __all__:
        raise AttributeError(f"module 'telephone' has no attribute {name!r}")
    if name == "__version__":
        from importlib.metadata import version

        found: Any = version("ai-telephone")
    else:
        from telephone import pipeline

        found = getattr(pipeline, name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    """Returns the public names and what has been loaded so far."""
    return sorted({*__all__, *globals()})
