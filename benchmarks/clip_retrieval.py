"""How often a held-out picture finds its own sentence among all by `pocket/clip`, and the sentence its picture.

The pairs are of the four levels in turn; each scene has a kind in a colour that training never saw, the wordings take
turns. A tie counts against the right one. Also: naming the kind of a single thing without having been taught to
(zero-shot, Radford et al. 2021, section 3.1.2).

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
    player, wordings = embedder("pocket/clip"), world.WORDINGS["en"]
    ways = ("picture to sentence", "sentence to picture")
    print("| among | " + " | ".join(f"{way}, R@{k}" for way in ways for k in (1, 5)) + " |\n|---|---|---|---|---|")
    for levels in (LEVELS, *((level,) for level in LEVELS)):
        scenes = [
            world.sample(levels[i % len(levels)], derive("retrieval", *levels, i), split="test")
            for i in range(args.pairs)
        ]
        texts = [world.caption(scene, "en", wordings[i % len(wordings)]) for i, scene in enumerate(scenes)]
        pictures = [
            world.render(scene, seed=derive("retrieval", text)) for scene, text in zip(scenes, texts, strict=True)
        ]
        cosines = player.embed_images(pictures) @ player.embed_texts(texts).T
        one, five = (retrieval(torch.from_numpy(cosines), k) for k in (1, 5))
        cells = [f"{100 * share:.1f} %" for way in zip(one, five, strict=True) for share in way]
        name = "all levels" if len(levels) > 1 else levels[0]
        print(f"| {args.pairs} pairs, {name} | {' | '.join(cells)} |", flush=True)
    names = player.embed_texts([world.caption(Scene(things=(Thing(kind),)), "en", "plain") for kind in KINDS])
    shown = [world.render(Scene(things=(Thing(kind),)), seed=seed) for kind in KINDS for seed in range(10)]
    best = (player.embed_images(shown) @ names.T).argmax(axis=1)
    print(
        f"Zero-shot: {100 * (best == np.repeat(np.arange(len(KINDS)), 10)).mean():.1f} % of {len(KINDS)} kinds named."
    )


if __name__ == "__main__":
    main()
