"""The pocket roster: small networks with the architectures of the original players, with weights that are shipped."""

from telephone.models.pocket.blip import PocketBlip
from telephone.models.pocket.blip_2 import PocketBlip2
from telephone.models.pocket.clip import PocketClip
from telephone.models.pocket.clip_caption_reward import ClipCaptionReward
from telephone.models.pocket.clip_interrogator import ClipInterrogator
from telephone.models.pocket.clip_prefix import PocketClipPrefix
from telephone.models.pocket.dalle_2 import DallE2
from telephone.models.pocket.instruction_following import request
from telephone.models.pocket.minigpt_4 import PocketMiniGpt4
from telephone.models.pocket.mplug_owl import PocketMplugOwl
from telephone.models.pocket.stable_diffusion import StableDiffusion
from telephone.models.pocket.vqgan_clip import VqganClip
from telephone.models.provider import Catalogue, Entry, choice, integer, number

__all__ = [
    "PocketBlip",
    "PocketBlip2",
    "PocketClip",
    "ClipCaptionReward",
    "ClipInterrogator",
    "PocketClipPrefix",
    "DallE2",
    "PocketMiniGpt4",
    "PocketMplugOwl",
    "StableDiffusion",
    "VqganClip",
    "provider",
]

_BEST_OF = {"best_of": integer(1, 64)}
_FOLLOWING = {"task": request, "temperature": number(0, 10), "max_tokens": integer(1, 160)}
_DIFFUSION = {
    "steps": integer(1, 1000),
    "guidance": number(0, 20),
    "eta": number(0, 1),
    "solver": choice("dpm++", "ddim"),
    **_BEST_OF,
}

provider = Catalogue(
    "pocket",
    {
        "stable-diffusion": Entry(
            "text2image",
            "latent diffusion, trained on the pocket world",
            StableDiffusion,
            _DIFFUSION,
        ),
        "vqgan-clip": Entry(
            "text2image",
            "feed-forward VQGAN-CLIP: codes from the CLIP embedding of a text",
            VqganClip,
            {"steps": integer(0, 10_000), **_BEST_OF},
        ),
        "dalle-2": Entry(
            "text2image",
            "unCLIP: a prior, a decoder and an upsampler, trained on the pocket world",
            DallE2,
            {**_DIFFUSION, "prior": choice("diffusion", "autoregressive"), "candidates": integer(1, 64)},
        ),
        "blip": Entry(
            "image2text",
            "BLIP, trained on the pocket world; short sentences",
            PocketBlip,
            {"temperature": number(0, 10), "max_tokens": integer(1, 71)},
        ),
        "blip-2": Entry(
            "image2text",
            "BLIP-2: a Q-Former before a frozen language model; says only what strikes first",
            PocketBlip2,
            _FOLLOWING,
        ),
        "minigpt-4": Entry(
            "image2text",
            "MiniGPT-4: one linear layer from BLIP-2's Q-Former to a language model; detailed",
            PocketMiniGpt4,
            _FOLLOWING,
        ),
        "mplug-owl": Entry(
            "image2text",
            "mPLUG-Owl: its own eyes before a language model with low-rank adapters; detailed, follows instructions",
            PocketMplugOwl,
            _FOLLOWING,
        ),
        "clip-prefix": Entry(
            "image2text",
            "ClipCap: a prefix from CLIP's one vector before a language model; one sentence",
            PocketClipPrefix,
            _FOLLOWING,
        ),
        "clip-caption-reward": Entry(
            "image2text",
            "BLIP with its text decoder tuned to please CLIP and to stay readable",
            ClipCaptionReward,
            {"temperature": number(0, 10), "max_tokens": integer(1, 71)},
        ),
        "clip-interrogator": Entry(
            "image2text",
            "BLIP's sentence and the phrases that CLIP finds nearest to the picture",
            ClipInterrogator,
            {"temperature": number(0, 10), "max_tokens": integer(1, 71), "phrases": integer(0, 12)},
        ),
        "clip": Entry("embedder", "CLIP, trained on the pocket world; texts and images in one space", PocketClip),
    },
)
