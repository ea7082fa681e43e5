"""Battles whose true answers are known, drawn as tables of scores: effects of models, prompts, both, and chance."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from telephone.analysis.inference.score_tensor import ScoreTensor

Floats = NDArray[np.float64]


def centred(values: Floats, *axes: int) -> Floats:
    """Effects that add up to 0 along axes, as those of a fixed roster do."""
    for axis in axes:
        values = values - values.mean(axis, keepdims=True)
    return values


@dataclass(frozen=True)
class Truth:
    """A roster, and how much prompts and chance move its scores (standard deviations)."""

    drawing: Floats = field(default_factory=lambda: np.array([-0.08, 0.0, 0.08]))
    describing: Floats = field(default_factory=lambda: np.array([-0.06, -0.02, 0.02, 0.06]))
    levels: tuple[str, ...] = ("easy",) * 4 + ("medium",) * 4 + ("hard",) * 4
    level_means: tuple[float, ...] = (0.3, 0.5, 0.7)
    prompt: float = 0.1
    drawing_prompt: float = 0.05
    describing_prompt: float = 0.04
    chance: float = 0.06
    repeats: int = 1

    @property
    def pair(self) -> Floats:
        """What a pair has beyond its two models: [t, c], adding up to 0 both ways."""
        t, c = len(self.drawing), len(self.describing)
        return centred(0.02 * np.cos(np.arange(t * c) * 2.0).reshape(t, c), 0, 1)

    @property
    def marginal(self) -> Floats:
        """The true mean of each drawing model."""
        return self.drawing + float(np.mean(self.centres))

    @property
    def centres(self) -> Floats:
        """The mean score of each prompt's level."""
        order = list(dict.fromkeys(self.levels))
        return np.array([self.level_means[order.index(level)] for level in self.levels])

    @property
    def shapley(self) -> Floats:
        """The true shares of drawing, describing, prompt and chance."""
        t, c, p = len(self.drawing), len(self.describing), len(self.levels)
        own = np.array([self.drawing.var(ddof=1), self.describing.var(ddof=1)])
        pair = (self.pair**2).sum() / ((t - 1) * (c - 1))
        with_t, with_c = self.drawing_prompt**2, self.describing_prompt**2
        prompt = self.prompt**2 + self.centres.var() * p / (p - 1)
        parts = np.array([
            own[0] + pair / 2 + with_t / 2, own[1] + pair / 2 + with_c / 2, prompt + with_t / 2 + with_c / 2,
            self.chance**2,
        ])  # fmt: skip
        return np.asarray(parts / parts.sum())

    def battle(self, generator: np.random.Generator) -> ScoreTensor:
        """Draws new prompts and new chance for the same roster."""
        t, c, p, r = len(self.drawing), len(self.describing), len(self.levels), self.repeats
        fixed = self.drawing[:, None] + self.describing[None, :] + self.pair
        prompts = self.centres + generator.normal(0, self.prompt, p)
        views = centred(generator.normal(0, self.drawing_prompt, (t, 1, p)), 0)
        views = views + centred(generator.normal(0, self.describing_prompt, (1, c, p)), 1)
        cells = fixed[:, :, None] + prompts + views
        scores = cells[..., None] + generator.normal(0, self.chance, (t, c, p, r))
        names = [tuple(f"{side}{at}" for at in range(size)) for side, size in (("d", t), ("w", c))]
        return ScoreTensor(scores, names[0], names[1], self.levels)


def new_roster(generator: np.random.Generator, drawers: int, describers: int, prompts: int = 10) -> ScoreTensor:
    """A battle of models that are themselves drawn: drawing ones differ by 0.08, describing ones by 0.05."""
    t, c, p = drawers, describers, prompts
    draw = generator.normal
    scores = draw(0, 0.08, (t, 1, 1)) + draw(0, 0.05, (1, c, 1)) + draw(0, 0.1, (1, 1, p)) + draw(0, 0.02, (t, c, 1))
    scores = scores + draw(0, 0.03, (t, 1, p)) + draw(0, 0.03, (1, c, p)) + draw(0, 0.05, (t, c, p))
    return ScoreTensor(scores[..., None], ("d",) * t, ("w",) * c, ("easy",) * p)


def equal_models(
    generator: np.random.Generator, kind: str, models: tuple[int, int], each: int, levels: int = 4
) -> ScoreTensor:
    """A battle of equal models that only chance, prompts and their interactions move, with as many prompts a level.

    `kind` is gaussian, skewed (exponential) or ceiling (nothing is lost in nine of ten cases, and then much).
    """
    (t, c), p = models, each * levels

    def noise(*shape: int) -> Floats:
        if kind == "ceiling":
            return np.where(generator.random(shape) < 0.1, 3.0, 0.0)
        return generator.normal(size=shape) if kind == "gaussian" else generator.exponential(size=shape)

    scores = noise(1, 1, p) + 0.5 * noise(t, 1, p) + 0.5 * noise(1, c, p) + 0.6 * noise(t, c, p)
    names = ("easy", "medium", "hard", "impossible")[:levels]
    return ScoreTensor(scores[..., None], ("d",) * t, ("w",) * c, tuple(name for name in names for _ in range(each)))
