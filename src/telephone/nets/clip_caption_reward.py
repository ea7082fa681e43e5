"""CLIP reward for captioning (Cho et al. 2022, arXiv 2205.13115): self-critical training with CLIP and a grammar head.

A captioner samples one caption and decodes another one greedily; the log-probability of the sampled one is weighted by
the difference of their rewards (Rennie et al. 2017, arXiv 1612.00563, eq. 8). The reward is the cosine of image and
caption in CLIP's space, so no reference captions are needed. CLIP hardly penalises repetitions, so a small head,
trained on captions and corrupted captions, adds the probability that a caption is correct (the paper's grammar reward).
Difference to the paper: there CLIP's text encoder is tuned together with the head. Here it is frozen, and the head
takes the encoder's token embeddings, each with the three before it, because the encoder's output says little about
grammar.
"""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from telephone.nets.blip import Blip
from telephone.nets.clip import Clip
from telephone.nets.tokenizer import EOS, PAD, SPECIAL, UNKNOWN, WordTokenizer

CORRUPTIONS = ("repeat", "remove", "insert", "swap", "shuffle")
SCALE = 2.5
"""CLIPScore's factor on the cosine, which is clipped at 0 (Hessel et al. 2021, arXiv 2104.08718, eq. 1)."""


class GrammarHead(nn.Module):
    """Two layers on each token and the three before it; the worst token decides about the caption."""

    def __init__(self, width: int, hidden: int = 128) -> None:
        """Builds the layers; `width` is that of the token embeddings."""
        super().__init__()
        self.near = nn.Conv1d(width, hidden, 4)
        self.wrong = nn.Linear(hidden, 1)
        nn.init.constant_(self.wrong.bias, -3.0)  # most tokens are correct

    def forward(
        self, vectors: Float[Tensor, "batch n width"], tokens: Int[Tensor, "batch n"]
    ) -> Float[Tensor, " batch"]:
        """Returns the logit that each caption is correct."""
        h = F.gelu(self.near(F.pad(vectors.transpose(1, 2), (3, 0)))).transpose(1, 2)
        wrong = self.wrong(h)[:, :, 0].masked_fill(tokens == PAD, float("-inf"))
        return -wrong.logsumexp(1)


def corrupted(words: Sequence[int], vocabulary: int, rng: np.random.Generator) -> list[int]:
    """Returns a caption with one to three corruptions: words repeated, removed, inserted, replaced or shuffled.

    Args:
        words: the caption, at least two tokens, without special tokens.
        vocabulary: number of words, special tokens included.
        rng: draws the corruptions.
    """
    changed = list(words)
    for _ in range(int(rng.integers(1, 4))):
        at, kind = int(rng.integers(len(changed))), CORRUPTIONS[rng.integers(len(CORRUPTIONS))]
        if kind == "repeat":
            length = int(rng.integers(1, 5))
            changed[at:at] = changed[at : at + length]
        elif kind == "remove" and len(changed) > 2:
            del changed[at]
        elif kind == "insert":
            changed.insert(at, int(rng.integers(len(SPECIAL), vocabulary)))
        elif kind == "swap":
            other = int(rng.integers(len(changed)))
            changed[at], changed[other] = changed[other], changed[at]
        else:
            part = changed[at : at + 5]
            changed[at : at + 5] = [part[i] for i in rng.permutation(len(part))]
    return changed if changed != list(words) else changed[::-1]


class Reward(nn.Module):
    """Reward of a caption of an image: CLIP's cosine plus the grammar head's probability."""

    def __init__(self, clip: Clip, words: Sequence[str], grammar_weight: float = 1.0) -> None:
        """Freezes CLIP; `words` is the captioner's vocabulary without special tokens."""
        super().__init__()
        self.clip = clip.eval().requires_grad_(requires_grad=False)
        self.grammar = GrammarHead(clip.config.text.width)
        self.grammar_weight = grammar_weight
        ids = {word: index for index, word in enumerate(WordTokenizer(clip.config.text.words).words)}
        table = [ids.get(word, UNKNOWN) for word in WordTokenizer(words).words]
        self.register_buffer("table", torch.tensor(table), persistent=False)

    def translate(self, tokens: Int[Tensor, "batch n"]) -> Int[Tensor, "batch m"]:
        """Returns the captioner's tokens as CLIP's tokens, cut to CLIP's maximum length."""
        return self.table[tokens][:, : self.clip.config.text.max_tokens]

    def grammar_logits(self, tokens: Int[Tensor, "batch n"]) -> Float[Tensor, " batch"]:
        """Returns the logits that captions, given in CLIP's tokens, are correct."""
        table = self.clip.text_encoder.token.weight
        return self.grammar(table[tokens] / table.std(), tokens)

    @torch.no_grad()
    def forward(
        self, images: Float[Tensor, "batch embedding"], tokens: Int[Tensor, "batch n"]
    ) -> Float[Tensor, " batch"]:
        """Returns the reward of each caption.

        Args:
            images: CLIP's embeddings of the images.
            tokens: captions in the captioner's tokens, from `<bos>` to `<eos>`; without an `<eos>` the grammar
                reward is 0.
        """
        clip_tokens = self.translate(tokens)
        cosine = F.cosine_similarity(images, self.clip.encode_text(clip_tokens)).clamp(min=0)
        correct = self.grammar_logits(clip_tokens).sigmoid() * (tokens == EOS).any(1)
        return SCALE * cosine + self.grammar_weight * correct


def log_probabilities(
    net: Blip, patches: Float[Tensor, "batch patches width"], tokens: Int[Tensor, "batch n"]
) -> Float[Tensor, "batch m"]:
    """Returns the log-probability of each token after `<bos>`; 0 at padding."""
    x = net.token(tokens[:, :-1]) + net.position[: tokens.shape[1] - 1]
    for block in net.blocks:
        x = block.decode(x, block.cross.keys(patches))
    chances = (net.norm(x) @ net.token.weight.T).log_softmax(-1)
    chosen = chances.gather(2, tokens[:, 1:, None])[:, :, 0]
    return chosen.masked_fill(tokens[:, 1:] == PAD, 0.0)


def self_critical_loss(
    chances: Float[Tensor, "batch m"], earned: Float[Tensor, " batch"], baseline: Float[Tensor, " batch"]
) -> Float[Tensor, ""]:
    """Returns the loss whose gradient is that of the expected reward (Rennie et al. 2017, eq. 8), per token.

    Args:
        chances: log-probabilities of the sampled tokens, 0 at padding.
        earned: rewards of the sampled captions.
        baseline: rewards of the greedy captions of the same images.
    """
    words = (chances != 0).sum().clamp(min=1)
    return -((earned - baseline)[:, None] * chances).sum() / words


def tuned_parameters(net: Blip) -> tuple[str, ...]:
    """Returns prefixes of the names of BLIP's weights that only the text decoder uses; these are tuned."""
    names = [name for name, _ in net.named_parameters() if name.startswith(("blocks.", "norm."))]
    return tuple(name for name in names if ".bidirectional." not in name)
