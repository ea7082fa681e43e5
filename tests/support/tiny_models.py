"""Tiny random models with the libraries' own configs.

`python tests/support/tiny_models.py FOLDER [KIND …]` writes them; nothing is downloaded. Weights are scaled up
where the default initialisation would make the output independent of the input.
"""

import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from tiny_embedders import chinese_clip, clip, dinov2, minilm, siglip
from tiny_image2text import blip, blip_2, git, idefics3, llava, llava_onevision, qwen_vl, smolvlm, vit_gpt2
from tiny_text2image import kandinsky, stable_diffusion, unclip, unconditional


def build(folder: Path, kinds: Iterable[str] = ()) -> dict[str, Path]:
    """Writes the models of these kinds (all if none is named) into folders of their own and returns where they are."""
    import torch

    made = {}
    for kind in kinds or KINDS:
        torch.manual_seed(0)
        path = folder / kind
        KINDS[kind](path)
        made[kind] = path
    return made


KINDS: dict[str, Callable[[Path], None]] = {
    "stable-diffusion": stable_diffusion,
    "unclip": unclip,
    "kandinsky": kandinsky,
    "unconditional": unconditional,
    "blip": blip,
    "llava": llava,
    "qwen-vl": qwen_vl,
    "vit-gpt2": vit_gpt2,
    "blip-2": blip_2,
    "git": git,
    "llava-onevision": llava_onevision,
    "idefics3": idefics3,
    "smolvlm": smolvlm,
    "clip": clip,
    "siglip": siglip,
    "chinese-clip": chinese_clip,
    "dinov2": dinov2,
    "minilm": minilm,
}

if __name__ == "__main__":
    if len(sys.argv) < 2:
        raise SystemExit(f"python tests/support/tiny_models.py FOLDER [KIND …]; the kinds: {', '.join(KINDS)}")
    for made in build(Path(sys.argv[1]), sys.argv[2:]).values():
        print(made)
