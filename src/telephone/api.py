"""The names that `import telephone` offers, gathered in one place; the package fetches them when first used."""

from telephone.game import TelephoneLine
from telephone.players import Embedder, Image2Text, Text2Image, embedder, image2text, text2image
from telephone.prompts import get_prompts
from telephone.records import Prompt

__all__ = [
    "Embedder",
    "Image2Text",
    "Prompt",
    "TelephoneLine",
    "Text2Image",
    "embedder",
    "get_prompts",
    "image2text",
    "text2image",
]
