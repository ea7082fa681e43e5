"""Variants of one CLIP that differ in a single cause: printed words, or hard negatives, in their training.

A variant replaces a part of the CLIP that it was made from: its image encoder, or the projections of both encoders.
Everything else is that CLIP's, so that two variants differ in their cause alone.
"""

import copy
from dataclasses import dataclass, field

from torch import nn

from telephone.nets.clip import AttentionPool, Clip, ClipConfig, ClipImageEncoder

LETTERS = {"letters-0": 0.0, "letters-1": 0.01, "letters-5": 0.05, "letters-20": 0.2}
"""Variants of the image encoder: the share of training images on which the name of a thing is printed."""
NEGATIVES = {"contrast": False, "hard-negatives": True}
"""Variants of the projections: whether each training caption had a hard negative."""
VARIANTS = (*LETTERS, *NEGATIVES)


@dataclass
class ClipCausesConfig:
    """Hyperparameters that determine the shapes of all weights: those of the CLIP that the variants are made from."""

    clip: ClipConfig = field(default_factory=ClipConfig)

    @classmethod
    def from_dict(cls, values: dict) -> "ClipCausesConfig":
        """Returns the config from the plain values that JSON holds."""
        return cls(ClipConfig.from_dict(values["clip"]))


class ClipProjections(nn.Module):
    """The projections of both encoders of CLIP, and its temperature."""

    def __init__(self, config: ClipConfig) -> None:
        """Builds fresh projections and starts the temperature at 0.07."""
        super().__init__()
        fresh = Clip(config)
        image, text = (projection_of(tower) for tower in (fresh.image_encoder, fresh.text_encoder))
        self.image, self.text, self.logit_scale = image, text, fresh.logit_scale


class ClipCauses(nn.Module):
    """The parts in which the variants differ from the CLIP that they are made from."""

    def __init__(self, config: ClipCausesConfig) -> None:
        """Builds the parts with fresh weights."""
        super().__init__()
        self.config = config
        clip = config.clip
        self.encoders = nn.ModuleDict({name: ClipImageEncoder(clip.vision, clip.embedding) for name in LETTERS})
        self.projections = nn.ModuleDict({name: ClipProjections(clip) for name in NEGATIVES})

    def variant(self, name: str, clip: Clip) -> Clip:
        """Returns a copy of CLIP with the parts of a variant.

        Args:
            name: one of `VARIANTS`.
            clip: the CLIP that the variants were made from.

        Raises:
            ValueError: there is no such variant.
        """
        if name not in VARIANTS:
            raise ValueError(f"there is no variant {name!r}: choose one of {', '.join(VARIANTS)}")
        made = copy.deepcopy(clip)
        if name in LETTERS:
            made.image_encoder.load_state_dict(self.encoders[name].state_dict())
            return made
        own = self.projections[name]
        assert isinstance(own, ClipProjections)
        projection_of(made.image_encoder).load_state_dict(own.image.state_dict())
        projection_of(made.text_encoder).load_state_dict(own.text.state_dict())
        made.logit_scale.data.copy_(own.logit_scale.data)
        return made


def projection_of(tower: nn.Module) -> nn.Linear:
    """Returns the linear layer that maps the outputs of an encoder's queries to its embedding.

    Raises:
        ValueError: the encoder has no queries.
    """
    pool = tower.projection
    if not isinstance(pool, AttentionPool):
        raise ValueError("this encoder has no queries: set `queries` in its config")
    return pool.projection
