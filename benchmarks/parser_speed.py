"""Processor time to parse texts and to compare scenes: `python benchmarks/parser_speed.py`.

Captions in all wordings, pairs of scenes of all levels and of the highest one, and long texts, whose time grows
linearly.
"""

import time
from collections.abc import Callable, Sequence
from typing import Any

from telephone import world

PART = "a red red apple apple on the left of the the blue boat above 苹果的左边有 "
SCENES = 400


def timed(name: str, work: Callable[[Any], object], items: Sequence[Any]) -> None:
    """Prints the microseconds that one item takes, and those of the slowest one."""
    seconds = []
    for item in items:
        start = time.process_time()
        work(item)
        seconds.append(time.process_time() - start)
    print(f"{name:<38}{sum(seconds) / len(seconds) * 1e6:8.0f} us, slowest {max(seconds) * 1e6:8.0f} us")


def main() -> None:
    """Prints all times."""
    scenes = [world.sample_any(seed) for seed in range(SCENES)]
    crowded = [world.sample("impossible", seed) for seed in range(SCENES)]
    texts = [world.caption(scene, "en", "any", seed) for seed, scene in enumerate(scenes)]
    world.parse(texts[0] + PART)  # fills the caches of words
    timed("parse a caption", world.parse, texts)
    for name, sampled in (("compare scenes of any level", scenes), ("compare scenes of 20 and more atoms", crowded)):
        timed(name, lambda pair: world.compare(*pair), list(zip(sampled, sampled[1:], strict=False)))
    for count in (5_000, 10_000, 20_000):
        timed(f"parse {len(PART) * count:,} characters", world.parse, [PART * count])


if __name__ == "__main__":
    main()
