"""Text-to-image and image-to-text models play the telephone game; importing this loads nothing until a name is used.

import telephone

result = telephone.play(telephone.BattleConfig(t2i=("oracle/renderer",), i2t=("fake/captioner",), turns=2))
print(result.summary.leaderboard("pair").table)
telephone.pipeline.judge(result.folder)  # `telephone.judge` and `telephone.report` are packages
"""

from typing import TYPE_CHECKING, Any

from telephone import _moved

if TYPE_CHECKING:
    from telephone import pipeline
    from telephone.pipeline import (
        BattleConfig,
        Embedder,
        Image2Text,
        JudgeOptions,
        PlayOptions,
        Prompt,
        TelephoneLine,
        Text2Image,
        compare,
        embedder,
        export,
        forecast,
        get_prompts,
        image2text,
        leaderboard,
        play,
        resume,
        text2image,
        verify,
    )

    __version__: str

__all__ = [
    "BattleConfig",
    "Embedder",
    "Image2Text",
    "JudgeOptions",
    "PlayOptions",
    "Prompt",
    "TelephoneLine",
    "Text2Image",
    "__version__",
    "compare",
    "embedder",
    "export",
    "forecast",
    "get_prompts",
    "image2text",
    "leaderboard",
    "pipeline",
    "play",
    "resume",
    "text2image",
    "verify",
]

_moved.install()


def __getattr__(name: str) -> Any:
    """Loads a public name when it is first used."""
    if name not in __all__:
        raise AttributeError(f"module 'telephone' has no attribute {name!r}")
    if name == "__version__":
        from importlib.metadata import version

        found: Any = version("ai-telephone")
    else:
        from importlib import import_module

        home = import_module("telephone.pipeline")
        found = home if name == "pipeline" else getattr(home, name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    """Returns the public names and what has been loaded so far."""
    return sorted({*__all__, *globals()})
