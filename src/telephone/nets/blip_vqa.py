"""BLIP answers questions (Li et al. 2022, arXiv 2201.12086, section 5.4, visual question answering).

As in the paper, the question is read by the image-grounded text encoder, and what comes out of it, one vector a word,
is what the answer decoder looks at: it writes the answer word by word, so there is no list of answers to choose from.
Both start from the mixture of encoder-decoder of `nets/blip.py`, and here they have weights of their own; the image
encoder is BLIP's, unchanged.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from telephone.nets.blip import Blip
from telephone.nets.checkpoint import tuples
from telephone.nets.generation import Decoding, generate
from telephone.nets.layers import Attention, KeysValues, KeyValueCache, TransformerBlock
from telephone.nets.tokenizer import PAD, WordTokenizer


@dataclass
class AnswererConfig:
    """Everything that decides the shape of the weights."""

    words: tuple[str, ...] = ()
    """The vocabulary of questions and answers without special tokens."""
    image_width: int = 160
    width: int = 160
    heads: int = 4
    question_layers: int = 3
    answer_layers: int = 2
    max_question: int = 24
    max_answer: int = 48
    """Most tokens, `<bos>` and `<eos>` included."""

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "AnswererConfig":
        """Returns the config that `dataclasses.asdict` and JSON turned into plain values."""
        return cls(**tuples(values))


class AnswerBlock(nn.Module):
    """A layer of the answer decoder: causal self-attention, a look at the question, a two-layer net."""

    def __init__(self, width: int, heads: int) -> None:
        """Builds the layer."""
        super().__init__()
        self.norm1, self.norm2, self.norm3 = nn.LayerNorm(width), nn.LayerNorm(width), nn.LayerNorm(width)
        self.causal = Attention(width, None, heads)
        self.cross = Attention(width, None, heads)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(
        self,
        x: Float[Tensor, "batch n width"],
        question: KeysValues,
        mask: Bool[Tensor, "batch m"],
        past: KeyValueCache | None = None,
    ) -> Float[Tensor, "batch n width"]:
        """Returns the sequence, mixed; `mask` is true at words of the question; `past` remembers earlier words."""
        h = self.norm1(x)
        keys = self.causal.keys(h)
        if past is not None:
            keys = past.add(keys)
        x = x + self.causal.attend(h, keys, causal=past is None)
        x = x + self.cross.attend(self.norm2(x), question, mask)
        return x + self.mlp(self.norm3(x))


class Answerer(nn.Module):
    """Question encoder and answer decoder, with one table of words."""

    def __init__(self, config: AnswererConfig) -> None:
        """Builds both with fresh weights."""
        super().__init__()
        self.config = config
        width = config.width
        self.token = nn.Embedding(len(config.words) + 4, width)
        self.question_position = nn.Parameter(torch.randn(config.max_question, width) * 0.02)
        self.answer_position = nn.Parameter(torch.randn(config.max_answer, width) * 0.02)
        self.question_blocks = nn.ModuleList(
            TransformerBlock(width, config.heads, config.image_width) for _ in range(config.question_layers)
        )
        self.question_norm = nn.LayerNorm(width)
        self.answer_blocks = nn.ModuleList(AnswerBlock(width, config.heads) for _ in range(config.answer_layers))
        self.answer_norm = nn.LayerNorm(width)
        nn.init.normal_(self.token.weight, std=0.05)

    def start_from(self, blip: Blip) -> None:
        """Copies what BLIP has learned: its layers, and the vectors of the words that both know."""
        ours, theirs = WordTokenizer(self.config.words).words, WordTokenizer(blip.config.text.words).words
        shared = [(ours.index(word), theirs.index(word)) for word in ours if word in theirs]
        rows, sources = (list(column) for column in zip(*shared, strict=True))
        with torch.no_grad():
            self.token.weight[rows] = blip.token.weight[sources].to(self.token.weight.device)
        for block, source in zip(self.question_blocks, blip.blocks, strict=False):
            _copy(block, "norm1 self_attention cross_norm cross_attention norm2 mlp", source, "bidirectional")
        for block, source in zip(self.answer_blocks, blip.blocks, strict=False):
            _copy(block, "norm1 causal norm2 cross norm3 mlp", source, "causal")

    def encode_question(
        self, patches: Float[Tensor, "images patches image_width"], questions: Int[Tensor, "batch m"]
    ) -> Float[Tensor, "batch m width"]:
        """Reads questions with the images in sight; the first ones are about the first image, equally many each."""
        images, batch, width = len(patches), len(questions), self.config.width
        mask = questions != PAD
        x = self.token(questions) + self.question_position[: questions.shape[1]]
        for block in self.question_blocks:
            x = x + block.self_attention(block.norm1(x), mask=mask)
            seen = block.cross_attention(block.cross_norm(x).reshape(images, -1, width), patches)
            x = x + seen.reshape(batch, -1, width)
            x = x + block.mlp(block.norm2(x))
        return self.question_norm(x)

    def loss(
        self,
        patches: Float[Tensor, "images patches image_width"],
        questions: Int[Tensor, "batch m"],
        answers: Int[Tensor, "batch n"],
    ) -> Float[Tensor, ""]:
        """Returns the cross-entropy of each word of the answer, given those before it, the question and the image."""
        read, mask = self.encode_question(patches, questions), questions != PAD
        lengths = (answers != PAD).sum(1)
        told = torch.zeros((), device=read.device)
        for rows in lengths.argsort().chunk(4):  # like lengths side by side: most answers are a word, some are a list
            part = answers[rows, : int(lengths[rows].max())]
            x = self.token(part[:, :-1]) + self.answer_position[: part.shape[1] - 1]
            for block in self.answer_blocks:
                x = block(x, block.cross.keys(read[rows]), mask[rows])
            logits = (self.answer_norm(x) @ self.token.weight.T).flatten(0, 1)
            told = told + F.cross_entropy(logits, part[:, 1:].flatten(), ignore_index=PAD, reduction="sum")
        return told / (lengths - 1).sum()

    @torch.no_grad()
    def answer(
        self,
        patches: Float[Tensor, "images patches image_width"],
        questions: Int[Tensor, "batch m"],
        seeds: Sequence[int],
        how: Decoding | None = None,
    ) -> Int[Tensor, "batch n"]:
        """Answers questions, equally many about each image; returns tokens without `<bos>`."""
        how = how or Decoding()
        read, mask = self.encode_question(patches, questions), questions != PAD
        known = [block.cross.keys(read) for block in self.answer_blocks]
        pasts = [KeyValueCache() for _ in self.answer_blocks]

        def step(token: Int[Tensor, " batch"], position: int) -> Float[Tensor, "batch words"]:
            x = self.token(token.to(read.device))[:, None] + self.answer_position[position]
            for block, question, past in zip(self.answer_blocks, known, pasts, strict=True):
                x = block(x, question, mask, past)
            return (self.answer_norm(x[:, 0]) @ self.token.weight.T).cpu()

        return generate(step, seeds, replace(how, limit=min(how.limit, self.config.max_answer - 1)))


def _copy(block: nn.Module, parts: str, source: nn.Module, attention: str) -> None:
    """Copies one layer of the mixture, whose parts have other names, and of whose self-attentions one is wanted."""
    for ours, theirs in zip(parts.split(), ("norm1", attention, "norm2", "cross", "norm3", "mlp"), strict=True):
        block.get_submodule(ours).load_state_dict(source.get_submodule(theirs).state_dict())
