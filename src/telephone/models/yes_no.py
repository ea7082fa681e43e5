"""The probability of "yes" as the answer to a question about an image, for models that can give it.

A text answer is yes or no; the probability behind it also orders the images of equal answers (VQAScore, Lin et al.
2024, section 3). It is normalised over the two first words: P(yes) / (P(yes) + P(no)).
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from PIL import Image

if TYPE_CHECKING:
    from torch import Tensor


@runtime_checkable
class YesNoModel(Protocol):
    """A model that gives the probability of yes."""

    def yes_probabilities(self, images: Sequence[Image.Image], questions: Sequence[str]) -> list[float]:
        """Returns P(yes) / (P(yes) + P(no)) in [0, 1] for each pair of image and question."""
        ...


def yes_share(logits: "Tensor", yes: int, no: int) -> list[float]:
    """Returns P(yes) / (P(yes) + P(no)) of each row.

    Args:
        logits: [batch, words], of the first token of the answer.
        yes: Token of the word yes.
        no: Token of the word no.
    """
    return [float(value) for value in (logits[:, yes] - logits[:, no]).double().sigmoid()]
