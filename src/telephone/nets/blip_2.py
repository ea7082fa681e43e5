"""BLIP-2 (Li et al. 2023, arXiv 2301.12597, section 3.3): a Q-Former speaks to a language model that never changes.

What the queries find in an image is brought to the language model's width by one linear layer and put before the words,
as *soft visual prompts*. Image encoder and language model are frozen; the Q-Former and the layer learn to say what the
language model understands. Our language model knows one form of talk only, with the image between two marks, so its
vectors stand there; and it is handed to the functions here, because other players share it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from telephone.nets.generation import Decoding
from telephone.nets.language_model import LanguageModel
from telephone.nets.qformer import QFormer, QFormerConfig
from telephone.nets.tokenizer import PAD, ChatTokenizer


@dataclass
class Blip2Config:
    """Everything that decides the shape of the weights."""

    qformer: QFormerConfig = field(default_factory=QFormerConfig)
    language_width: int = 192

    @classmethod
    def from_dict(cls, values: dict) -> "Blip2Config":
        """Returns the config that `dataclasses.asdict` and JSON turned into plain values."""
        return cls(QFormerConfig.from_dict(values["qformer"]), values["language_width"])


class Blip2(nn.Module):
    """The parts that learn: Q-Former and projection."""

    def __init__(self, config: Blip2Config) -> None:
        """Builds the parts with fresh weights."""
        super().__init__()
        self.config = config
        self.qformer = QFormer(config.qformer)
        self.projection = nn.Linear(config.qformer.width, config.language_width)

    def forward(self, patches: Float[Tensor, "batch patches image"]) -> Float[Tensor, "batch queries language"]:
        """Returns the soft visual prompts of pictures."""
        return self.projection(self.qformer(patches)[0])


def with_image_prefix(
    model: LanguageModel, image: Float[Tensor, "batch m language"]
) -> Float[Tensor, "batch all language"]:
    """Returns what comes before the image's vectors, and these."""
    before = torch.tensor([ChatTokenizer(()).before_image()], device=image.device)
    return torch.cat([model.embed(before).expand(len(image), -1, -1), image], 1)


def answer_loss(
    model: LanguageModel,
    image: Float[Tensor, "batch m language"],
    words: Int[Tensor, "batch n"],
    answers: Int[Tensor, "batch n"],
) -> Float[Tensor, ""]:
    """Returns the cross-entropy of each word of the answers, given image, instruction and the words before.

    Args:
        model: the language model, frozen or not.
        image: vectors that stand for the pictures.
        words: from the mark that ends the image to `<eos>`, padded.
        answers: the same where an answer stands, `<pad>` elsewhere.
    """
    x = torch.cat([with_image_prefix(model, image), model.embed(words[:, :-1])], 1)
    return model.loss(x, F.pad(answers, (x.shape[1] - answers.shape[1], 0), value=PAD))


@torch.no_grad()
def answer_instructions(
    model: LanguageModel,
    tokenizer: ChatTokenizer,
    image: Float[Tensor, "batch m language"],
    instructions: Sequence[str],
    seeds: Sequence[int],
    how: Decoding,
) -> list[str]:
    """Answers one instruction a picture; instructions of one length are answered together.

    Args:
        model: the language model.
        tokenizer: its words.
        image: vectors that stand for the pictures.
        instructions: one a picture.
        seeds: one a picture.
        how: how words are chosen.
    """
    asked = [tokenizer.after_image(text) for text in instructions]
    told = [""] * len(asked)
    for length in sorted({len(ids) for ids in asked}):
        rows = [row for row, ids in enumerate(asked) if len(ids) == length]
        after = torch.tensor([asked[row] for row in rows], device=image.device)
        prompt = torch.cat([with_image_prefix(model, image[rows]), model.embed(after)], 1)
        for row, ids in zip(rows, model.generate(prompt, [seeds[row] for row in rows], how).tolist(), strict=True):
            told[row] = tokenizer.decode(ids)
    return told
