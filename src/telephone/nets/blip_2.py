"""BLIP-2 (Li et al. 2023, arXiv 2301.12597, section 3.3): a Q-Former feeds a frozen language model.

One linear layer projects the queries' outputs to the language model's width; they are put before the text as *soft
visual prompts*. Image encoder and language model are frozen; the Q-Former and the layer are trained. Our language model
expects the image between two marker tokens, so the prompts are placed there. The language model is an argument of the
functions here, because several models share it.
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
    """Hyperparameters that determine the shapes of all weights."""

    qformer: QFormerConfig = field(default_factory=QFormerConfig)
    language_width: int = 192

    @classmethod
    def from_dict(cls, values: dict) -> "Blip2Config":
        """Returns the config from the plain values that JSON holds."""
        return cls(QFormerConfig.from_dict(values["qformer"]), values["language_width"])


class Blip2(nn.Module):
    """The trained parts: Q-Former and projection."""

    def __init__(self, config: Blip2Config) -> None:
        """Builds the parts with fresh weights."""
        super().__init__()
        self.config = config
        self.qformer = QFormer(config.qformer)
        self.projection = nn.Linear(config.qformer.width, config.language_width)

    def forward(self, patches: Float[Tensor, "batch patches image"]) -> Float[Tensor, "batch queries language"]:
        """Returns the soft visual prompts of images, from their patch features."""
        return self.projection(self.qformer(patches)[0])


def with_image_prefix(
    model: LanguageModel, image: Float[Tensor, "batch m language"]
) -> Float[Tensor, "batch all language"]:
    """Returns the embeddings of the tokens before the image, followed by the image's vectors."""
    before = torch.tensor([ChatTokenizer(()).before_image()], device=image.device)
    return torch.cat([model.embed(before).expand(len(image), -1, -1), image], 1)


def answer_loss(
    model: LanguageModel,
    image: Float[Tensor, "batch m language"],
    words: Int[Tensor, "batch n"],
    answers: Int[Tensor, "batch n"],
) -> Float[Tensor, ""]:
    """Returns the mean cross-entropy of the answers' tokens, given image, instruction and earlier tokens.

    Args:
        model: the language model, frozen or not.
        image: soft visual prompts of the images.
        words: tokens from the marker after the image to `<eos>`, padded.
        answers: the same tokens within the answer, `<pad>` elsewhere.
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
    """Answers one instruction an image; instructions of one length are answered together.

    Args:
        model: the language model.
        tokenizer: of the language model.
        image: soft visual prompts of the images.
        instructions: one an image.
        seeds: one an image.
        how: decoding options.
    """
    suffixes = [tokenizer.after_image(text) for text in instructions]
    texts = [""] * len(suffixes)
    for length in sorted({len(ids) for ids in suffixes}):
        rows = [row for row, ids in enumerate(suffixes) if len(ids) == length]
        after = torch.tensor([suffixes[row] for row in rows], device=image.device)
        prompt = torch.cat([with_image_prefix(model, image[rows]), model.embed(after)], 1)
        for row, ids in zip(rows, model.generate(prompt, [seeds[row] for row in rows], how).tolist(), strict=True):
            texts[row] = tokenizer.decode(ids)
    return texts


@torch.no_grad()
def first_answer_logits(
    model: LanguageModel,
    tokenizer: ChatTokenizer,
    image: Float[Tensor, "batch m language"],
    instructions: Sequence[str],
) -> Float[Tensor, "batch words"]:
    """Returns the logits of the first token of each answer; instructions of one length are read together.

    Args:
        model: the language model.
        tokenizer: of the language model.
        image: soft visual prompts of the images.
        instructions: one an image.
    """
    suffixes = [tokenizer.after_image(text) for text in instructions]
    logits = torch.zeros(len(suffixes), len(tokenizer), device=image.device)
    for length in sorted({len(ids) for ids in suffixes}):
        rows = [row for row, ids in enumerate(suffixes) if len(ids) == length]
        after = torch.tensor([suffixes[row] for row in rows], device=image.device)
        prompt = torch.cat([with_image_prefix(model, image[rows]), model.embed(after)], 1)
        logits[rows] = model(prompt)[:, -1]
    return logits.cpu()
