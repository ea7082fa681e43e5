"""How the pocket weights are made: one recipe a net, read from top to bottom; each can be stopped and resumed."""

RECIPES = {
    "stable-diffusion": "telephone.train.stable_diffusion",
    "blip": "telephone.train.blip",
    "blip-vqa": "telephone.train.blip_vqa",
    "clip-caption-reward": "telephone.train.clip_caption_reward",
    "clip-prefix": "telephone.train.clip_prefix",
    "blip-2": "telephone.train.blip_2",
    "minigpt-4": "telephone.train.minigpt_4",
    "language-model": "telephone.train.language_model",
    "mplug-owl": "telephone.train.mplug_owl",
    "reader": "telephone.train.reader",
    "clip": "telephone.train.clip",
    "vqgan": "telephone.train.vqgan",
    "vqgan-clip": "telephone.train.vqgan_clip",
    "dalle-2": "telephone.train.dalle_2",
}
"""Recipes by the name of the player that they make."""

__all__ = ["RECIPES"]
