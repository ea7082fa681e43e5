"""How the pocket weights are trained: one recipe a net, read from top to bottom; each can be stopped and resumed.

A recipe is a module with `STAGES`, the table of its stages with their default numbers of optimiser steps, and
`main(recipe)`, which trains and writes the weight file. `common` holds what recipes share.
"""

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
"""Modules of the recipes by the name of the model that they train."""

__all__ = ["RECIPES"]
