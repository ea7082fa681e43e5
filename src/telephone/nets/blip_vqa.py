"""Visual question answering with BLIP (Li et al. 2022, arXiv 2201.12086, section 5.4).

As in the paper, the image-grounded text encoder encodes the question, and the answer decoder attends to its output, one
vector a token. Answers are generated, not chosen from a list. Both parts start from the mixture of encoder-decoder of
`nets/blip.py` and then have their own weights; the image encoder is BLIP's, unchanged.
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
from telephone.nets.generation import Decoding, Step, generate
from telephone.nets.layers import Attention, KeysValues, KeyValueCache, TransformerBlock
from telephone.nets.tokenizer import BOS, PAD, WordTokenizer


@dataclass
class AnswererConfig:
    """Hyperparameters that determine the shapes of all weights."""

    words: tuple[str, ...] = ()
    """The vocabulary of questions and answers without special tokens."""
    image_width: int = 160
    width: int = 160
    heads: int = 4
    question_layers: int = 3
    answer_layers: int = 2
    max_question: int = 24
    max_answer: int = 48
    """Maximum number of tokens, `<bos>` and `<eos>` included."""

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "AnswererConfig":
        """Returns the config from the plain values that JSON holds."""
        return cls(**tuples(values))


class AnswerBlock(nn.Module):
    """A layer of the answer decoder: causal self-attention, cross-attention to the question, a two-layer net."""

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
        """Returns the output sequence; `mask` is true at tokens of the question; `past` caches earlier tokens."""
        h = self.norm1(x)
        keys = self.causal.keys(h)
        if past is not None:
            keys = past.add(keys)
        x = x + self.causal.attend(h, keys, causal=past is None)
        x = x + self.cross.attend(self.norm2(x), question, mask)
        return x + self.mlp(self.norm3(x))


class Answerer(nn.Module):
    """Question encoder and answer decoder with a shared token embedding."""

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
        """Copies BLIP's layers, and the embeddings of the words in both vocabularies."""
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
        """Encodes questions, grounded in the images; equally many a image, those of the first image first."""
        images, batch, width = len(patches), len(questions), self.config.width
        mask = questions != PAD
        x = self.token(questions) + self.question_position[: questions.shape[1]]
        for block in self.question_blocks:
            x = x + block.self_attention(block.norm1(x), mask=mask)
            mixed = block.cross_attention(block.cross_norm(x).reshape(images, -1, width), patches)
            x = x + mixed.reshape(batch, -1, width)
            x = x + block.mlp(block.norm2(x))
        return self.question_norm(x)

    def loss(
        self,
        patches: Float[Tensor, "images patches image_width"],
        questions: Int[Tensor, "batch m"],
        answers: Int[Tensor, "batch n"],
    ) -> Float[Tensor, ""]:
        """Returns the mean cross-entropy of the answers' tokens, given question and image."""
        read, mask = self.encode_question(patches, questions), questions != PAD
        lengths = (answers != PAD).sum(1)
        total = torch.zeros((), device=read.device)
        for rows in lengths.argsort().chunk(4):  # similar lengths together: most answers are one word, some are lists
            part = answers[rows, : int(lengths[rows].max())]
            x = self.token(part[:, :-1]) + self.answer_position[: part.shape[1] - 1]
            for block in self.answer_blocks:
                x = block(x, block.cross.keys(read[rows]), mask[rows])
            logits = (self.answer_norm(x) @ self.token.weight.T).flatten(0, 1)
            total = total + F.cross_entropy(logits, part[:, 1:].flatten(), ignore_index=PAD, reduction="sum")
        return total / (lengths - 1).sum()

    @torch.no_grad()
    def answer(
        self,
        patches: Float[Tensor, "images patches image_width"],
        questions: Int[Tensor, "batch m"],
        seeds: Sequence[int],
        how: Decoding | None = None,
    ) -> Int[Tensor, "batch n"]:
        """Generates answers, equally many about each image; returns tokens without `<bos>`."""
        how = how or Decoding()
        step = self._decoder(patches, questions)
        return generate(step, seeds, replace(how, limit=min(how.limit, self.config.max_answer - 1)))

    @torch.no_grad()
    def first_logits(
        self, patches: Float[Tensor, "images patches image_width"], questions: Int[Tensor, "batch m"]
    ) -> Float[Tensor, "batch words"]:
        """Returns the logits of the first token of each answer."""
        return self._decoder(patches, questions)(torch.full((len(questions),), BOS), 0)

    def _decoder(self, patches: Float[Tensor, "images patches image_width"], questions: Int[Tensor, "batch m"]) -> Step:
        """Returns the step that maps the newest tokens and their position to logits, with its own cache."""
        read, mask = self.encode_question(patches, questions), questions != PAD
        known = [block.cross.keys(read) for block in self.answer_blocks]
        pasts = [KeyValueCache() for _ in self.answer_blocks]

        def step(token: Int[Tensor, " batch"], position: int) -> Float[Tensor, "batch words"]:
            x = self.token(token.to(read.device))[:, None] + self.answer_position[position]
            for block, question, past in zip(self.answer_blocks, known, pasts, strict=True):
                x = block(x, question, mask, past)
            return (self.answer_norm(x[:, 0]) @ self.token.weight.T).cpu()

        return step


def _copy(block: nn.Module, parts: str, source: nn.Module, attention: str) -> None:
    """Copies one layer of the mixture with one of its two self-attentions."""
    for ours, theirs in zip(parts.split(), ("norm1", attention, "norm2", "cross", "norm3", "mlp"), strict=True):
        block.get_submodule(ours).load_state_dict(source.get_submodule(theirs).state_dict())
