"""Players of models on this machine: any that diffusers draws with, or that transformers describes or embeds with."""

from telephone.players.local.describer import Describer
from telephone.players.local.encoder import DualEncoder, SentenceEncoder, VisionEncoder
from telephone.players.local.painter import Painter

__all__ = ["Describer", "DualEncoder", "Painter", "SentenceEncoder", "VisionEncoder"]
