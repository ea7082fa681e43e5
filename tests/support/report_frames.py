"""A small run that never was: pictures drawn with Pillow, texts made from a list of things, distances that rise."""

from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image, ImageDraw

from telephone.core import images, seeds

T2I = ("pocket/stable-diffusion", "pocket/vqgan-clip")
I2T = ("pocket/blip", "pocket/minigpt-4", "pocket/clip-prefix")
PROMPTS = {
    "easy": "A small red apple on a beach.",
    "hard": "Two big green boats left of a yellow house in a snowfield at night, with a white star above it.",
}
COLOURS = ("red", "orange", "gold", "green", "blue", "purple", "pink", "brown")
NOUNS = ("apple", "boat", "house", "star", "cat", "kite")


def draw(words: str, size: int = 64) -> bytes:
    """A picture that depends on the words alone, as PNG bytes."""
    image = Image.new("RGB", (size, size), ("#cfe8f7", "#f7e3c2", "#2b3350")[seeds.derive(words, "sky") % 3])
    pen = ImageDraw.Draw(image)
    pen.rectangle((0, size * 0.7, size, size), fill=("#e7d08a", "#8bbf6a", "#eef2f6")[seeds.derive(words) % 3])
    for i in range(1 + seeds.derive(words, "count") % 4):
        left, top = (seeds.derive(words, i, axis) % int(size * 0.7) for axis in "xy")
        colour = COLOURS[seeds.derive(words, i, "colour") % len(COLOURS)]
        pen.ellipse((left, top, left + size * 0.3, top + size * 0.3), fill=colour)
    return images.encode_png(image)


def describe(*parts: object) -> str:
    """A sentence that depends on the parts alone."""
    colour = COLOURS[seeds.derive("c", *parts) % len(COLOURS)]
    noun = NOUNS[seeds.derive("n", *parts) % len(NOUNS)]
    return f"A picture of a {colour} {noun} with something bright beside it, seen from far away."


def frame(folder: Path, turns: int = 4, prompts: dict[str, str] | None = None, size: int = 64) -> pd.DataFrame:
    """One row a turn, as `Run.frame()` gives it; pictures are files in `folder`."""
    rows = []
    for level, prompt in (prompts or PROMPTS).items():
        for t2i in T2I:
            for i2t in I2T:
                rows += game_rows(folder, prompt, level, t2i, i2t, turns=turns, size=size)
    return pd.DataFrame(rows)


def game_rows(
    folder: Path, prompt: str, level: str, t2i: str, i2t: str, turns: int = 4, size: int = 64
) -> list[dict[str, object]]:
    """The rows of one finished game."""
    rows, text = [], prompt
    name = seeds.digest(t2i, i2t, prompt)
    pace = 0.2 + 0.5 * seeds.derive(name) / 2**32
    for step in range(turns):
        png = draw(f"{t2i}{text}", size)
        path = folder / f"{images.content_hash(png)}.png"
        path.write_bytes(png)
        after = describe(i2t, text, step)
        rows.append({
            "conversation_name": name[:6], "game": name, "prompt": prompt, "prompt_id": seeds.digest(prompt)[:12],
            "level": level, "t2i_model": t2i, "i2t_model": i2t, "line": f"{t2i}_{i2t}", "repeat": 0, "first": "text",
            "step_number": step, "text_before": text, "text_after": after, "filepath": str(path),
            "image_sha256": images.content_hash(png), "outcome": "ok", "reason": "",
            "text_after_dist": 1 - (1 - pace) ** (step + 1), "facts_recall": (1 - pace) ** (step + 1),
            "facts_precision": 0.5,
        })  # fmt: skip
        text = after
    return rows


def broken(table: pd.DataFrame, game: int, step: int, reason: str, outcome: str = "failed") -> pd.DataFrame:
    """The same run where a game ended at a turn because the drawing failed or was refused."""
    name = table["game"].drop_duplicates().iloc[game]
    table = table[~((table["game"] == name) & (table["step_number"] > step))].reset_index(drop=True)
    at = (table["game"] == name) & (table["step_number"] == step)
    table.loc[at, ["text_after", "filepath", "image_sha256"]] = None
    table.loc[at, ["text_after_dist", "facts_recall"]] = np.nan
    table.loc[at, "outcome"] = outcome
    table.loc[at, "reason"] = reason
    return table
