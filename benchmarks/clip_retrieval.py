"""Retrieval with `pocket/clip`: recall of held-out images and captions among all, and zero-shot classification.

The pairs are of the four levels in turn, the captions in all wordings in turn. Each scene has a kind in a colour that
no training scene has. Ties count against the right one. Zero-shot classification (Radford et al. 2021, section 3.1.2)
is over the kinds of single things.

    python benchmarks/clip_retrieval.py
"""

import argparse

import numpy as np
import torch

from telephone import world
from telephone.core.records import LEVELS
from telephone.core.seeds import derive
from telephone.models import embedder
from telephone.nets.clip import retrieval
from telephone.world.scene import KINDS, Scene, Thing


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=1000)
    args = parser.parse_args()
    model, wordings = embedder("pocket/clip"), world.WORDINGS["en"]
    ways = ("image to caption", "caption to image")
    print("| among | " + " | ".join(f"{way}, R@{k}" for way in ways for k in (1, 5)) + " |\n|---|---|---|---|---|")
    for levels in (LEVELS, *((level,) for level in LEVELS)):
        scenes = [
            world.sample(levels[i % len(levels)], derive("retrieval", *levels, i), split="test")
            for i in range(args.pairs)
        ]
        texts = [world.caption(scene, "en", wordings[i % len(wordings)]) for i, scene in enumerate(scenes)]
        images = [
            world.render(scene, seed=derive("retrieval", text)) for scene, text in zip(scenes, texts, strict=True)
        ]
        cosines = model.embed_images(images) @ model.embed_texts(texts).T
        one, five = (retrieval(torch.from_numpy(cosines), k) for k in (1, 5))
        cells = [f"{100 * share:.1f} %" for way in zip(one, five, strict=True) for share in way]
        name = "all levels" if len(levels) > 1 else levels[0]
        print(f"| {args.pairs} pairs, {name} | {' | '.join(cells)} |", flush=True)
    names = model.embed_texts([world.caption(Scene(things=(Thing(kind),)), "en", "plain") for kind in KINDS])
    shown = [world.render(Scene(things=(Thing(kind),)), seed=seed) for kind in KINDS for seed in range(10)]
    best = (model.embed_images(shown) @ names.T).argmax(axis=1)
    print(
        f"Zero-shot: {100 * (best == np.repeat(np.arange(len(KINDS)), 10)).mean():.1f} % of {len(KINDS)} kinds right."
    )


if __name__ == "__main__":
    main()
