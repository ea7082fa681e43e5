"""Seconds to parse long texts to scenes: `python benchmarks/parser_speed.py`. They grow linearly with the length."""

import time

from telephone import world

PART = "a red red apple apple on the left of the the blue boat above 苹果的左边有 "


def main() -> None:
    """Prints the seconds for texts of 5,000 to 20,000 repetitions."""
    for count in (5_000, 10_000, 20_000):
        text = PART * count
        start = time.perf_counter()
        world.parse(text)
        print(f"{len(text):>10,} characters: {time.perf_counter() - start:6.2f} s")


if __name__ == "__main__":
    main()
