"""Training data of the CLIP prefix: CLIP's features of training images, their facts, and which facts are confident."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from telephone import world
from telephone.nets.clip import Clip
from telephone.nets.clip_prefix import unprojected_features
from telephone.train.common import data, feature_cache
from telephone.train.common.heads import FactTargets
from telephone.train.common.recipe import Recipe
from telephone.world.facts import CELL_FACTS, SCENE_FACTS, cell_targets, scene_targets
from telephone.world.scene import Thing

NOISE = 0.3
"""Standard deviation of the noise on whitened features, against overfitting."""
CONFIDENCE = 0.6
"""Smallest predicted probability of a fact that a caption states, and of the kind of a thing that it mentions."""


@dataclass
class ClipFeatures:
    """Scenes, CLIP's whitened features of their images, and their facts."""

    scenes: list[world.Scene]
    features: Tensor
    """[n, width]"""

    def __post_init__(self) -> None:
        """Numbers the facts."""
        self.targets = FactTargets.of(self.scenes)

    def noisy(self, rows: np.ndarray, generator: torch.Generator) -> Tensor:
        """Returns features of some images with a little noise."""
        clean = self.features[rows]
        return clean + torch.randn(clean.shape, generator=generator) * NOISE


def clip_features(recipe: Recipe, clip: Clip) -> Tensor:
    """Returns CLIP's features of the training images [n, width], half of each chunk augmented; kept in a file."""
    width = unprojected_features(clip, torch.zeros(1, 3, 64, 64, device=recipe.device)).shape[1]
    of = feature_cache.image_set(recipe), (recipe.pictures, width)
    kept = feature_cache.cached_features(
        recipe, "clip-features", clip.image_encoder, lambda x: unprojected_features(clip, x), of
    )
    return torch.from_numpy(np.asarray(kept).astype(np.float32))


def answer_probabilities(logits: Tensor, facts: dict[str, int]) -> dict[str, Tensor]:
    """Returns the probability of each answer to each question, [..., answers], from logits of all."""
    return {name: part.softmax(-1) for name, part in zip(facts, logits.split(list(facts.values()), -1), strict=True)}


def confident_scene(scene: world.Scene, cells: dict[str, Tensor], whole: dict[str, Tensor]) -> world.Scene:
    """Returns the visible scene without the facts whose probability is too small; what is left is true.

    Args:
        scene: the ground truth.
        cells: probabilities of the answers about the six cells, [6, answers].
        whole: probabilities of the answers about the scene, [answers].
    """
    truth, around = cell_targets(scene), scene_targets(scene)
    places = np.flatnonzero(truth[:, 0])
    facts = list(CELL_FACTS)
    chances = {int(at): {k: float(cells[k][at, truth[at, facts.index(k)]]) for k in facts} for at in places}
    kept = {name: float(whole[name][around[i]]) >= CONFIDENCE for i, name in enumerate(SCENE_FACTS)}
    named = {name: getattr(scene, name) for name, keep in kept.items() if keep}
    # A caption must state something: without confident facts it states the most probable thing.
    best = max((each["kind"] for each in chances.values()), default=1.0)
    enough = CONFIDENCE if world.Scene(**named) != world.Scene() else min(CONFIDENCE, best)
    things = [
        Thing(
            thing.kind,
            thing.colour if chances[at]["colour"] >= CONFIDENCE else None,
            thing.size if chances[at]["size"] >= CONFIDENCE else "medium",
            thing.count if chances[at]["count"] >= CONFIDENCE else 1,
            thing.place,
        )
        for at, thing in zip(chances, data.visible(scene).things, strict=True)
        if chances[at]["kind"] >= enough
    ]
    names = {(thing.kind, thing.colour): thing for thing in reversed(things)}
    return world.Scene(**named, things=tuple(thing for thing in things if names[thing.kind, thing.colour] is thing))
