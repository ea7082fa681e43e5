"""What describers tell of true pictures, fact by fact, on held-out scenes whose truth is known.

Each scene has a kind in a colour that no training scene had; the renderer draws it, a describer tells it, the world's
parser reads the telling. *Words* is the mean length. *Right of told*: of the facts that were told, those that are so.
*Told*: of the facts of the scene, those that were told and are so. *Invented*: facts a description that are neither of
the scene nor simply true of the picture, wrong ones included. The last columns are *told* by sort of fact; with
`--by-fact` a second table has *right of told* by sort of fact. What a perfect teller would get is the row of the world.

    python benchmarks/description_fidelity.py                       # 500 scenes a level, every pocket describer
    python benchmarks/description_fidelity.py pocket/blip --scenes 50 --levels easy hard --texts 3
"""

import argparse
import json
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image
from pocket_fidelity import ATTRIBUTES, held_out_scenes

from telephone import world
from telephone.core.records import LEVELS
from telephone.core.seeds import derive
from telephone.models import generate_texts, image2text, list_models
from telephone.world.facts import telling

WORLD = "the world itself, detailed"


@dataclass
class Account:
    """What was told of some scenes, counted."""

    kept: Counter[str] = field(default_factory=Counter)
    facts: Counter[str] = field(default_factory=Counter)
    """Facts of the scenes."""
    false: Counter[str] = field(default_factory=Counter)
    """What was told and is not so."""
    words: int = 0
    scenes: int = 0
    silent: int = 0
    """Descriptions that failed; they count as having told nothing."""

    def add(self, scene: world.Scene, text: str | None) -> None:
        """Counts one description; None is one that failed."""
        found = world.compare(scene, world.parse(text or ""))
        self.kept.update(atom.attribute for atom in found.kept)
        self.facts.update(atom.attribute for atom in world.atoms(scene))
        self.false.update(said.attribute for _, said in found.wrong)
        self.false.update(atom.attribute for atom in found.invented)
        self.scenes += 1
        self.silent += text is None
        self.words += length(text or "")

    def told(self, sort: str | None = None) -> float | None:
        """Returns the share of the scenes' facts that were told right, in all or of one sort."""
        return _share(self.kept, self.facts, sort)

    def right(self, sort: str | None = None) -> float | None:
        """Returns the share of right ones among the facts that were told, in all or of one sort."""
        return _share(self.kept, self.kept + self.false, sort)

    def numbers(self) -> dict[str, object]:
        """Returns everything as plain values; what was never asked is None."""
        return {
            "scenes": self.scenes,
            "failed": self.silent,
            "words": self.words / self.scenes,
            "right_of_told": self.right(),
            "told": self.told(),
            "invented": self.false.total() / self.scenes,
            "told_by_fact": {sort: self.told(sort) for sort in ATTRIBUTES},
            "right_of_told_by_fact": {sort: self.right(sort) for sort in ATTRIBUTES},
        }


def _share(part: Counter[str], whole: Counter[str], sort: str | None) -> float | None:
    one, all_ = (part[sort], whole[sort]) if sort else (part.total(), whole.total())
    return one / all_ if all_ else None


def length(text: str) -> int:
    """Returns the number of words; each Chinese character is one."""
    characters = sum(sign > "\u2e7f" for sign in text)
    return characters or len(text.split())


def tell(ref: str, pictures: Sequence[Image.Image]) -> list[str | None]:
    player = image2text(ref)
    size = player.traits().batch_size
    texts: list[str | None] = []
    for start in range(0, len(pictures), size):
        part = pictures[start : start + size]
        texts += [made if isinstance(made, str) else None for made in generate_texts(player, part, [0] * len(part))]
    return texts


def describers() -> list[str]:
    return [card.ref for card in list_models() if card.ref.startswith("pocket/") and card.kind == "image2text"]


def account(scenes: Sequence[world.Scene], texts: Sequence[str | None]) -> Account:
    counted = Account()
    for scene, text in zip(scenes, texts, strict=True):
        counted.add(scene, text)
    return counted


def percent(share: float | None, digits: int = 0) -> str:
    return "-" if share is None else f"{100 * share:.{digits}f}"


def line(who: str, level: str, counted: Account) -> str:
    cells = [f"{counted.words / counted.scenes:.1f}"]
    cells += [f"{percent(counted.right(), 1)} %", f"{percent(counted.told(), 1)} %"]
    cells += [f"{counted.false.total() / counted.scenes:.2f}", *(percent(counted.told(sort)) for sort in ATTRIBUTES)]
    return f"| {who} | {level} | {' | '.join(cells)} |"


def head(*columns: str) -> str:
    return f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("describers", nargs="*", metavar="REF", help="every pocket describer if none is named")
    parser.add_argument("--scenes", type=int, default=500, help="scenes a level")
    parser.add_argument("--levels", nargs="+", default=LEVELS, choices=LEVELS)
    parser.add_argument("--by-fact", action="store_true", help="also print what is right of what is told, by fact")
    parser.add_argument("--texts", type=int, default=0, metavar="N", help="also print N descriptions a level")
    parser.add_argument("--json", type=Path, help="also write all numbers as JSON")
    args = parser.parse_args()
    refs = args.describers or describers()
    print(head("describer", "level", "words", "right of told", "told", "invented", *ATTRIBUTES))
    rows: list[tuple[str, str, Account]] = []
    said: list[str] = []
    for level in args.levels:
        scenes = held_out_scenes(level, args.scenes)
        pictures = [world.render(scene, seed=derive("fidelity", level, i)) for i, scene in enumerate(scenes)]
        perfect = [world.caption(telling(scene), "en", "detailed") for scene in scenes]
        for ref in (WORLD, *refs):
            clock = time.perf_counter()
            texts = perfect if ref == WORLD else tell(ref, pictures)
            seconds = time.perf_counter() - clock
            rows.append((ref, level, account(scenes, texts)))
            print(line(*rows[-1]), flush=True)
            said += [f"{level}, {ref} ({seconds:.0f} s in all): {text}" for text in texts[: args.texts]]
    if args.by_fact:
        print("\n" + head("describer", "level", *ATTRIBUTES))
        for ref, level, counted in rows:
            print(f"| {ref} | {level} | {' | '.join(percent(counted.right(sort)) for sort in ATTRIBUTES)} |")
    print("\n".join(["", *said]) if said else "")
    if args.json:
        told = [{"describer": ref, "level": level, **counted.numbers()} for ref, level, counted in rows]
        args.json.write_text(json.dumps(told, indent=1) + "\n")


if __name__ == "__main__":
    main()
