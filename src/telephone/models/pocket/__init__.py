"""The provider `pocket`: small networks with the architectures of well-known papers, trained on the pocket world."""

from telephone.models.pocket.blip import ClipCaptionReward, PocketBlip
from telephone.models.pocket.blip_2 import PocketBlip2
from telephone.models.pocket.catalogue import NETS, RECIPES, WEIGHT_FILES, provider
from telephone.models.pocket.clip import PocketClip
from telephone.models.pocket.clip_interrogator import ClipInterrogator
from telephone.models.pocket.clip_prefix import PocketClipPrefix
from telephone.models.pocket.dalle_2 import DallE2
from telephone.models.pocket.minigpt_4 import PocketMiniGpt4
from telephone.models.pocket.mplug_owl import PocketMplugOwl
from telephone.models.pocket.pocket_net import PocketNet, provider_of
from telephone.models.pocket.stable_diffusion import StableDiffusion
from telephone.models.pocket.vqgan_clip import VqganClip

__all__ = [
    "NETS",
    "RECIPES",
    "WEIGHT_FILES",
    "ClipCaptionReward",
    "ClipInterrogator",
    "DallE2",
    "PocketBlip",
    "PocketBlip2",
    "PocketClip",
    "PocketClipPrefix",
    "PocketMiniGpt4",
    "PocketMplugOwl",
    "PocketNet",
    "StableDiffusion",
    "VqganClip",
    "provider",
    "provider_of",
]
