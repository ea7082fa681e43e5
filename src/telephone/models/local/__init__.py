"""Players of models on this machine: any that diffusers draws with, or that transformers describes or embeds with."""

from telephone.models.local.embedder import DualEncoder, SentenceEncoder, VisionEncoder
from telephone.models.local.image2text import Describer
from telephone.models.local.text2image import DiffusersText2Image

__all__ = ["Describer", "DualEncoder", "DiffusersText2Image", "SentenceEncoder", "VisionEncoder"]
