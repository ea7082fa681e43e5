"""Speed of the pocket models: 64 images a text-to-image model, 256 descriptions an image-to-text model.

Each model is warmed up first, then timed three times with the engine's batch sizes; the table has the median. All are
timed in one run, so that they are comparable.

    python benchmarks/pocket_speed.py
    python benchmarks/pocket_speed.py pocket/blip pocket/mplug-owl
"""

import argparse
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

from telephone import world
from telephone.core.records import LEVELS
from telephone.core.seeds import derive
from telephone.models import image2text, list_models, text2image

ROUNDS = 3


def timed(make: Callable[[Sequence[Any]], object], items: Sequence[Any], batch: int) -> list[float]:
    make(items[:batch])
    rounds = []
    for _ in range(ROUNDS):
        clock = time.perf_counter()
        for start in range(0, len(items), batch):
            make(items[start : start + batch])
        rounds.append(time.perf_counter() - clock)
    return rounds


def generation(ref: str) -> tuple[int, Callable[[Sequence[Any]], object]]:
    model = text2image(ref)
    return model.traits().batch_size, lambda part: model.generate_images(part, [0] * len(part))


def description(ref: str) -> tuple[int, Callable[[Sequence[Any]], object]]:
    model = image2text(ref)
    return model.traits().batch_size, lambda part: model.generate_texts(part, [0] * len(part))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", metavar="REF", help="default: every pocket model")
    parser.add_argument("--pictures", type=int, default=64)
    parser.add_argument("--texts", type=int, default=256)
    args = parser.parse_args()
    scenes = [world.sample(LEVELS[i % 4], derive("speed", i), split="test") for i in range(args.texts)]
    texts = [world.caption(scene, "en", "plain") for scene in scenes]
    images = [world.render(scene) for scene in scenes]
    print("| model | items | seconds, median of three | each |\n|---|---|---|---|")
    for card in list_models():
        wanted = card.ref in args.models if args.models else card.ref.startswith("pocket/")
        if not wanted or card.kind == "embedder":
            continue
        if card.kind == "text2image":
            items, batch, make = texts[: args.pictures], *generation(card.ref)
        else:
            items, batch, make = images, *description(card.ref)
        rounds = timed(make, items, batch)
        times = ", ".join(f"{each:.1f}" for each in rounds)
        print(f"| {card.ref} | {len(items)} | {statistics.median(rounds):.1f} | {times} |", flush=True)


if __name__ == "__main__":
    main()
