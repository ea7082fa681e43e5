"""What `pocket/dalle-mini` draws: facts by super-conditioning, temperature and number of candidates, and seconds.

Prompts are those of `drawing_fidelity.py`: held out, each with a kind in a colour that no training scene has. *There*
is the share of requested kinds that `oracle/reader` finds, *colour* the share found in the requested colour. The
settings are compared on fewer prompts than the default is measured on, and none of those prompts is used twice.

    python benchmarks/lineage_dalle_mini.py                 # 300 prompts a level, 100 for each setting
    python benchmarks/lineage_dalle_mini.py --prompts 40 --settings-prompts 20
    python benchmarks/lineage_dalle_mini.py --film dalle-mini.webp    # the preview, row by row, of eight prompts
"""

import argparse
import time
from collections.abc import Iterator
from pathlib import Path

from drawing_fidelity import COLUMNS, held_out, line, shares
from PIL import Image

from telephone.models import text2image
from telephone.models.pocket.dalle_mini import PocketDalleMini
from telephone.report.media.output import write_film

MODEL = "pocket/dalle-mini"
LEVELS = ("easy", "medium", "hard")
SETTINGS = (
    *(f"super_conditioning={scale}" for scale in (1, 2, 3, 5, 8)),
    *(f"temperature={value}" for value in (0, 0.5, 0.8)),
    *("top_k=16", "top_k=64", "best_of=4", "best_of=16"),
)
SIDE = 160
"""Side of an image of the film, in pixels."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--prompts", type=int, default=300, help="prompts a level for the default setting")
    parser.add_argument("--settings-prompts", type=int, default=100, help="easy prompts for each other setting")
    parser.add_argument("--settings", nargs="*", default=SETTINGS, help="options of the address")
    parser.add_argument("--film", type=Path, help="write the preview of eight prompts instead")
    given = parser.parse_args()
    if given.film:
        print(write_preview(given.film))
        return
    print(f"| drawer | level | {' | '.join(COLUMNS)} | s an image |")
    print("|---|---|" + "---|" * (len(COLUMNS) + 1))
    for row in rows(given.prompts, given.settings_prompts, given.settings):
        print(row, flush=True)


def rows(prompts: int, fewer: int, settings: list[str]) -> Iterator[str]:
    for level in LEVELS:
        yield measured(MODEL, level, 0, prompts)
    for setting in settings:
        yield measured(f"{MODEL}?{setting}", "easy", prompts, fewer)


def measured(ref: str, level: str, skip: int, count: int) -> str:
    """Draws the prompts of a level after the first `skip`, each with its number as the seed."""
    scenes, texts = (part[skip:] for part in held_out(level, skip + count))
    clock = time.perf_counter()
    images = text2image(ref).generate_images(texts, list(range(skip, skip + count)))
    seconds = (time.perf_counter() - clock) / count
    return f"{line(ref, level, shares(scenes, images))} {seconds:.2f} |"


def write_preview(path: Path) -> Path:
    """Writes the images of eight prompts as they are drawn, side by side, a frame for each row of squares of codes."""
    _, texts = held_out("easy", 8)
    films: list[list[Image.Image]] = []
    for number, text in enumerate(texts):
        films.append([])
        PocketDalleMini().preview(text, number, lambda _, image: films[-1].append(image))
    frames = []
    for images in zip(*films, strict=True):
        frames.append(Image.new("RGB", (4 * SIDE, 2 * SIDE)))
        for index, image in enumerate(images):
            enlarged = image.resize((SIDE, SIDE), Image.Resampling.NEAREST)
            frames[-1].paste(enlarged, (index % 4 * SIDE, index // 4 * SIDE))
    return write_film(frames, [300] * (len(frames) - 1) + [2000], path)


if __name__ == "__main__":
    main()
