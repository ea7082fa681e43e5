"""Writes the pictures of docs/images from shipped weights and prompts: `python docs/make_images.py` (`make images`).

It plays the pocket battle of `telephone play` into a temporary folder (a few minutes on two cores) and writes

- game.png: the film strip of the game that opens the battle's report,
- facts.png: where each fact of that game went, as the report shows it,
- curves.png: the facts kept by each pair at the level at which the pairs differ most, as the report shows it,
- drawings.png: held-out scenes, drawn exactly and by each text-to-image model,
- world.png: scenes of the pocket world with their captions,
- manifest.json: the hashes of what the pictures are made from, and of the pictures.

`python docs/make_images.py --check` compares these hashes and draws world.png again, which needs no net; `make check`
runs it. Raise `VERSION` after a change of the code that changes how the other pictures look.
"""

import argparse
import hashlib
import io
import json
import sys
import tempfile
from pathlib import Path

from matplotlib.figure import Figure
from PIL import Image

VERSION = "1"
"""Of the look of the pictures that are made with nets: film strips, figures, sheets."""
ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs" / "images"
MANIFEST = "manifest.json"
INPUTS = {
    "weights": ROOT / "weights" / "src" / "telephone_pocket" / "index.json",
    "prompts": ROOT / "src" / "telephone" / "prompts" / "data" / "pocket.jsonl",
}
DRAWERS = ("pocket/stable-diffusion", "pocket/dalle-2", "pocket/vqgan-clip")
MOST_BYTES = 100_000
"""Of a picture; see scripts/check_binaries.py."""


def main() -> int:
    """Writes or checks the pictures; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if the pictures are out of date")
    parser.add_argument("--run", type=Path, help="take this run of `telephone play` in place of a new one")
    args = parser.parse_args()
    if args.check:
        found = problems(FOLDER)
        for problem in found:
            print(f"docs/images: {problem}; run `make images`", file=sys.stderr)
        return 1 if found else 0
    with tempfile.TemporaryDirectory() as folder:
        write(FOLDER, args.run or play(Path(folder) / "run"))
    return 0


def problems(folder: Path) -> list[str]:
    """Returns what differs between the pictures in a folder and what they are made from; empty if nothing does."""
    if not (folder / MANIFEST).is_file():
        return [f"{MANIFEST} is missing"]
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    now = inputs()
    found = [f"{name} changed" for name, value in now.items() if manifest["inputs"].get(name) != value]
    for name, value in manifest["pictures"].items():
        path = folder / name
        if not path.is_file():
            found.append(f"{name} is missing")
        elif hashlib.sha256(path.read_bytes()).hexdigest() != value:
            found.append(f"{name} is not the picture that was made")
    unknown = {path.name for path in folder.glob("*.png")} - set(manifest["pictures"])
    return [*found, *(f"{name} is not made by this command" for name in sorted(unknown))]


def inputs() -> dict[str, str]:
    """Returns the hashes of everything that the pictures are made from."""
    # Line ends may differ between checkouts.
    files = {name: hashlib.sha256(path.read_bytes().replace(b"\r\n", b"\n")) for name, path in INPUTS.items()}
    return {
        "version": VERSION,
        **{name: digest.hexdigest() for name, digest in files.items()},
        "pocket world": hashlib.sha256(b"".join(image.tobytes() for image, _ in scenes(12))).hexdigest(),
    }


def scenes(count: int) -> list[tuple[Image.Image, str]]:
    """Returns scenes of the pocket world with their captions, in order of difficulty."""
    from telephone import world
    from telephone.core.records import LEVELS
    from telephone.core.seeds import derive

    made = []
    for number in range(count):
        level = LEVELS[number * 3 // count]
        scene = world.sample(level, derive("sheet", 0, level, number))
        made.append((world.render(scene, size=160, seed=0), world.caption(scene)))
    return made


def play(folder: Path) -> Path:
    """Plays the pocket battle with its default settings and returns its folder."""
    import telephone
    from telephone import BattleConfig

    telephone.play(BattleConfig(), folder)
    return folder


def write(folder: Path, run_folder: Path) -> None:
    """Writes all pictures and their manifest."""
    from telephone.world.contact_sheet import contact_sheet

    folder.mkdir(exist_ok=True)
    pictures = {
        **of_battle(run_folder),
        "drawings.png": drawings(),
        "world.png": contact_sheet(scenes(12), columns=6, tile=160),
    }
    data = {name: compressed(image) for name, image in pictures.items()}
    for name, each in data.items():
        (folder / name).write_bytes(each)
        print(f"{name}: {len(each):,} bytes")
    hashes = {name: hashlib.sha256(each).hexdigest() for name, each in sorted(data.items())}
    manifest = {"inputs": inputs(), "pictures": hashes}
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")


def of_battle(run_folder: Path) -> dict[str, Image.Image]:
    """Returns the pictures of a battle: its opening game, the facts of this game, and the facts kept by each pair."""
    from telephone.analysis import summarise
    from telephone.analysis.facts.fact_paths import fact_paths
    from telephone.plots import fact_paths_figure, facts_figure
    from telephone.report import film_strip, games_of
    from telephone.report.html.chosen_games import opening_game
    from telephone.store import Run

    with Run.open(run_folder) as run:
        summary = summarise(run)
        opening = opening_game(games_of(summary.frame, run.spec.turns, run.images.path))
        if opening is None:
            raise SystemExit(f"{run_folder} has no scored game: take a finished run of `telephone play`.")
        strip = film_strip(opening.game)
        paths = fact_paths_figure(fact_paths(run, summary.frame, opening.game.key), opening.game.prompt)
        last = summary.facts[summary.facts["step_number"] == run.spec.turns - 1]
        level = str(last.groupby("level")["mean"].std().idxmax())
        curves = facts_figure(summary.facts, level)
    return {"game.png": strip, "facts.png": rasterised(paths), "curves.png": rasterised(curves)}


def drawings() -> Image.Image:
    """Returns held-out scenes, two of each level, drawn exactly and by each text-to-image model."""
    from telephone import world
    from telephone.core.records import LEVELS
    from telephone.core.seeds import derive
    from telephone.models import text2image
    from telephone.world.contact_sheet import contact_sheet

    drawn = [world.sample(level, derive("drawings", level, n), split="test") for level in LEVELS[:3] for n in range(2)]
    texts = [world.caption(scene, "en", "plain") for scene in drawn]
    seeds = [derive("drawings", text) for text in texts]
    made = {"exact": [world.render(scene, seed=seed) for scene, seed in zip(drawn, seeds, strict=True)]}
    made |= {name.partition("/")[2]: text2image(name).generate_images(texts, seeds) for name in DRAWERS}
    tiles = [
        (images[n], texts[n] if who == "exact" else who) for n in range(len(texts)) for who, images in made.items()
    ]
    return contact_sheet(tiles, columns=2 * len(made), tile=128)


def rasterised(figure: Figure) -> Image.Image:
    """Returns a figure as an image of about 1,150 pixels width."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    return Image.open(buffer).convert("RGB")


def compressed(image: Image.Image) -> bytes:
    """Returns an image as PNG with as many colours as the limit of bytes has room for."""
    for colours in (256, 128, 64, 32):
        buffer = io.BytesIO()
        # A palette of its own colours without dithering keeps flat areas flat.
        image.quantize(colours, dither=Image.Dither.NONE).save(buffer, "PNG", optimize=True)
        if buffer.tell() <= MOST_BYTES:
            return buffer.getvalue()
    raise SystemExit(f"A picture is too large: it must fit {MOST_BYTES:,} bytes; show less in it.")


if __name__ == "__main__":
    sys.exit(main())
