"""How long the pocket players take: 64 pictures of each drawer, 256 descriptions of each describer, as fast as they go.

Each is warmed up first, then timed three times in batches as the engine makes them; the table has the median. All are
timed in one run, so that they can be compared.

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


def drawing(ref: str) -> tuple[int, Callable[[Sequence[Any]], object]]:
    player = text2image(ref)
    return player.traits().batch_size, lambda part: player.generate_images(part, [0] * len(part))


def describing(ref: str) -> tuple[int, Callable[[Sequence[Any]], object]]:
    player = image2text(ref)
    return player.traits().batch_size, lambda part: player.generate_texts(part, [0] * len(part))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("players", nargs="*", metavar="REF", help="every pocket player if none is named")
    parser.add_argument("--pictures", type=int, default=64)
    parser.add_argument("--texts", type=int, default=256)
    args = parser.parse_args()
    scenes = [world.sample(LEVELS[i % 4], derive("speed", i), split="test") for i in range(args.texts)]
    texts = [world.caption(scene, "en", "plain") for scene in scenes]
    pictures = [world.render(scene) for scene in scenes]
    print("| player | items | seconds, median of three | each |\n|---|---|---|---|")
    for card in list_models():
        wanted = card.ref in args.players if args.players else card.ref.startswith("pocket/")
        if not wanted or card.kind == "embedder":
            continue
        if card.kind == "text2image":
            items, batch, make = texts[: args.pictures], *drawing(card.ref)
        else:
            items, batch, make = pictures, *describing(card.ref)
        rounds = timed(make, items, batch)
        told = ", ".join(f"{each:.1f}" for each in rounds)
        print(f"| {card.ref} | {len(items)} | {statistics.median(rounds):.1f} | {told} |", flush=True)


if __name__ == "__main__":
    main()
