"""`pocket/clip-caption-reward`: BLIP with a text decoder that was tuned to please CLIP."""

from telephone.models.pocket.blip import PocketBlip


class ClipCaptionReward(PocketBlip):
    """A captioner after self-critical training (`nets/caption_reward.py`)."""

    FILES = ("blip", "clip-caption-reward")

    def __init__(self, temperature: float = 0.0, max_tokens: int = 71) -> None:
        super().__init__(temperature, max_tokens, "clip-caption-reward")
