"""Facts kept by image-to-text models on rendered images of held-out scenes.

Each scene has a kind in a colour that no training scene has. The renderer draws it, a model describes it, and the
world's parser reads the description. *Words* is the mean length. *Precision*: share of the stated facts that are
correct. *Recall*: share of the scene's facts that are stated correctly. *False*: stated facts a description that are
wrong or not in the scene. The last columns are recall by kind of fact; with `--by-fact` a second table has precision by
kind of fact. The row of the world is the upper bound.

    python benchmarks/description_fidelity.py     # 500 scenes a level, every pocket image-to-text model
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
from telephone.world.facts import described_scene

WORLD = "the world itself, detailed"


@dataclass
class FactAccount:
    """Counts of the facts that descriptions of some scenes state."""

    kept: Counter[str] = field(default_factory=Counter)
    facts: Counter[str] = field(default_factory=Counter)
    """Facts of the scenes."""
    false: Counter[str] = field(default_factory=Counter)
    """Stated facts that are wrong."""
    words: int = 0
    scenes: int = 0
    failed: int = 0
    """Descriptions that failed; they count as empty."""

    def add(self, scene: world.Scene, text: str | None) -> None:
        """Counts one description; None means that the model failed."""
        found = world.compare(scene, world.parse(text or ""))
        self.kept.update(atom.attribute for atom in found.kept)
        self.facts.update(atom.attribute for atom in world.atoms(scene))
        self.false.update(shown.attribute for _, shown in found.wrong)
        self.false.update(atom.attribute for atom in found.invented)
        self.scenes += 1
        self.failed += text is None
        self.words += length(text or "")

    def recall(self, kind: str | None = None) -> float | None:
        """Returns the share of the scenes' facts that are stated correctly, in all or of one kind."""
        return _share(self.kept, self.facts, kind)

    def precision(self, kind: str | None = None) -> float | None:
        """Returns the share of correct facts among the stated ones, in all or of one kind."""
        return _share(self.kept, self.kept + self.false, kind)

    def numbers(self) -> dict[str, object]:
        """Returns everything as plain values; None where there is no such fact."""
        return {
            "scenes": self.scenes,
            "failed": self.failed,
            "words": self.words / self.scenes,
            "precision": self.precision(),
            "recall": self.recall(),
            "invented": self.false.total() / self.scenes,
            "recall_by_fact": {kind: self.recall(kind) for kind in ATTRIBUTES},
            "precision_by_fact": {kind: self.precision(kind) for kind in ATTRIBUTES},
        }


def _share(part: Counter[str], whole: Counter[str], kind: str | None) -> float | None:
    one, all_ = (part[kind], whole[kind]) if kind else (part.total(), whole.total())
    return one / all_ if all_ else None


def length(text: str) -> int:
    """Returns the number of words; each Chinese character is one."""
    characters = sum(sign > "\u2e7f" for sign in text)
    return characters or len(text.split())


def describe(ref: str, images: Sequence[Image.Image]) -> list[str | None]:
    model = image2text(ref)
    size = model.traits().batch_size
    texts: list[str | None] = []
    for start in range(0, len(images), size):
        part = images[start : start + size]
        texts += [made if isinstance(made, str) else None for made in generate_texts(model, part, [0] * len(part))]
    return texts


def pocket_models() -> list[str]:
    return [card.ref for card in list_models() if card.ref.startswith("pocket/") and card.kind == "image2text"]


def account(scenes: Sequence[world.Scene], texts: Sequence[str | None]) -> FactAccount:
    counted = FactAccount()
    for scene, text in zip(scenes, texts, strict=True):
        counted.add(scene, text)
    return counted


def percent(share: float | None, digits: int = 0) -> str:
    return "-" if share is None else f"{100 * share:.{digits}f}"


def line(who: str, level: str, counted: FactAccount) -> str:
    cells = [f"{counted.words / counted.scenes:.1f}"]
    cells += [f"{percent(counted.precision(), 1)} %", f"{percent(counted.recall(), 1)} %"]
    cells += [f"{counted.false.total() / counted.scenes:.2f}", *(percent(counted.recall(kind)) for kind in ATTRIBUTES)]
    return f"| {who} | {level} | {' | '.join(cells)} |"


def head(*columns: str) -> str:
    return f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", metavar="REF", help="default: every pocket image-to-text model")
    parser.add_argument("--scenes", type=int, default=500, help="scenes a level")
    parser.add_argument("--levels", nargs="+", default=LEVELS, choices=LEVELS)
    parser.add_argument("--by-fact", action="store_true", help="also print precision by kind of fact")
    parser.add_argument("--texts", type=int, default=0, metavar="N", help="also print N descriptions a level")
    parser.add_argument("--json", type=Path, help="also write all numbers as JSON")
    args = parser.parse_args()
    refs = args.models or pocket_models()
    print(head("model", "level", "words", "precision", "recall", "false", *ATTRIBUTES))
    rows: list[tuple[str, str, FactAccount]] = []
    shown: list[str] = []
    for level in args.levels:
        scenes = held_out_scenes(level, args.scenes)
        images = [world.render(scene, seed=derive("fidelity", level, i)) for i, scene in enumerate(scenes)]
        perfect = [world.caption(described_scene(scene), "en", "detailed") for scene in scenes]
        for ref in (WORLD, *refs):
            clock = time.perf_counter()
            texts = perfect if ref == WORLD else describe(ref, images)
            seconds = time.perf_counter() - clock
            rows.append((ref, level, account(scenes, texts)))
            print(line(*rows[-1]), flush=True)
            shown += [f"{level}, {ref} ({seconds:.0f} s in all): {text}" for text in texts[: args.texts]]
    if args.by_fact:
        print("\n" + head("model", "level", *ATTRIBUTES))
        for ref, level, counted in rows:
            print(f"| {ref} | {level} | {' | '.join(percent(counted.precision(kind)) for kind in ATTRIBUTES)} |")
    print("\n".join(["", *shown]) if shown else "")
    if args.json:
        records = [{"model": ref, "level": level, **counted.numbers()} for ref, level, counted in rows]
        args.json.write_text(json.dumps(records, indent=1) + "\n")


if __name__ == "__main__":
    main()
