"""What the CLIP prefix learns from: CLIP's views of training pictures, their facts, and captions that are sure."""

import hashlib
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from telephone import world
from telephone.nets.clip import Clip
from telephone.nets.clip_prefix import look
from telephone.train.blip import BlipBatches
from telephone.train.common import data
from telephone.train.common.recipe import Recipe
from telephone.train.common.visual_words import targets
from telephone.train.stable_diffusion import facts_loss
from telephone.world.scene import Thing

NOISE = 0.3
"""Spread of the noise on whitened views, so that the training pictures are not learned by heart."""
SURE = 0.6
"""A fact is told if the heads give it this chance, a thing if they give it to its kind."""


@dataclass
class Views:
    """Scenes, CLIP's views of their pictures, whitened, and the facts in them."""

    scenes: list[world.Scene]
    seen: Tensor
    """[n, view]"""

    def __post_init__(self) -> None:
        """Numbers the facts."""
        self.cells, self.whole = targets(self.scenes)

    def blurred(self, rows: np.ndarray, generator: torch.Generator) -> Tensor:
        """Returns views of some pictures with a little noise."""
        clear = self.seen[rows]
        return clear + torch.randn(clear.shape, generator=generator) * NOISE

    def facts(self, answers: tuple[Tensor, Tensor], rows: np.ndarray) -> tuple[Tensor, float]:
        """Returns the loss of the heads' answers about some scenes, and the share of scenes told without a fault."""
        device = answers[0].device
        return facts_loss(answers, self.cells[rows].to(device), self.whole[rows].to(device))


@torch.no_grad()
def views(recipe: Recipe, clip: Clip) -> Tensor:
    """Returns CLIP's views of the training pictures, half of them spoilt a little; kept beside the weights."""
    key = f"sight {recipe.seed}"
    marks = hashlib.sha256(f"{key} {recipe.pictures}".encode())
    for value in clip.image_encoder.state_dict().values():
        marks.update(value.detach().cpu().contiguous().numpy().tobytes())
    path = recipe.weights.parent / f"views-{marks.hexdigest()[:12]}.npy"
    if not path.exists():
        batches = BlipBatches(data.paint(key, recipe.pictures), np.random.default_rng(recipe.seed))
        parts = [
            look(clip, batches.pixels(rows).to(recipe.device)).half().cpu()
            for rows in np.array_split(np.arange(recipe.pictures), -(-recipe.pictures // 128))
        ]
        part = path.with_suffix(".part")
        with part.open("wb") as file:
            np.save(file, torch.cat(parts).numpy())
        part.replace(path)
    return torch.from_numpy(np.load(path)).float()


def chances_of(logits: Tensor, facts: dict[str, int]) -> dict[str, Tensor]:
    """Returns the chance of each answer to each question, [..., answers]."""
    return {name: part.softmax(-1) for name, part in zip(facts, logits.split(list(facts.values()), -1), strict=True)}


def sure(scene: world.Scene, cells: dict[str, Tensor], whole: dict[str, Tensor]) -> world.Scene:
    """Returns a telling of the scene without the facts whose chance is too small; what is left is true.

    Args:
        scene: the whole truth.
        cells: chances of the answers about the six cells, [6, answers].
        whole: chances of the answers about the scene, [answers].
    """
    truth, around = data.cell_targets(scene), data.scene_targets(scene)
    places = np.flatnonzero(truth[:, 0])
    facts = list(data.CELL_FACTS)
    chances = {int(at): {k: float(cells[k][at, truth[at, facts.index(k)]]) for k in facts} for at in places}
    kept = {name: float(whole[name][around[i]]) >= SURE for i, name in enumerate(data.SCENE_FACTS)}
    named = {name: getattr(scene, name) for name, there in kept.items() if there}
    # Where there is nothing else to tell, the surest thing is told: nobody sees nothing at all.
    surest = max((each["kind"] for each in chances.values()), default=1.0)
    enough = SURE if world.Scene(**named) != world.Scene() else min(SURE, surest)
    things = [
        Thing(
            thing.kind,
            thing.colour if chances[at]["colour"] >= SURE else None,
            thing.size if chances[at]["size"] >= SURE else "medium",
            thing.count if chances[at]["count"] >= SURE else 1,
            thing.place,
        )
        for at, thing in zip(chances, data.telling(scene).things, strict=True)
        if chances[at]["kind"] >= enough
    ]
    names = {(thing.kind, thing.colour): thing for thing in reversed(things)}
    return world.Scene(**named, things=tuple(thing for thing in things if names[thing.kind, thing.colour] is thing))
