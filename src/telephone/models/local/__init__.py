"""Models that run on this machine with diffusers and transformers."""

from telephone.models.local.embedder import DualEncoder, SentenceEncoder, VisionEncoder
from telephone.models.local.image2text import TransformersImage2Text
from telephone.models.local.text2image import DiffusersText2Image

__all__ = ["TransformersImage2Text", "DualEncoder", "DiffusersText2Image", "SentenceEncoder", "VisionEncoder"]
