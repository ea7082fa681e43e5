"""Captions that please CLIP and stay readable (Cho et al. 2022, arXiv 2205.13115), by self-critical training.

A captioner writes a caption at random and another one greedily; the random one is made likelier by how much more reward
it earns than the greedy one (Rennie et al. 2017, arXiv 1612.00563, eq. 8). The reward is the cosine of picture and
caption in CLIP's space, so nobody has to have captioned the picture. CLIP alone does not mind captions that stammer;
therefore a small head on its text encoder, which was shown captions and damaged captions, adds how sure it is that
nothing is wrong (the paper's grammar reward). Left out: the paper tunes CLIP's text encoder together with that head;
here the encoder stays as it is, and because its output knows more of cats than of commas, the head reads the vectors
that go into it, word by word with the three words before.
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

DAMAGES = ("repeat", "remove", "insert", "swap", "shuffle")
SCALE = 2.5
"""CLIPScore's factor of the cosine, which is not let below 0 (Hessel et al. 2021, arXiv 2104.08718, eq. 1)."""


class GrammarHead(nn.Module):
    """Two layers that look at each word and the three before it; a caption is as good as its worst word."""

    def __init__(self, width: int, hidden: int = 128) -> None:
        """Builds the layers; `width` is that of the word vectors."""
        super().__init__()
        self.near = nn.Conv1d(width, hidden, 4)
        self.wrong = nn.Linear(hidden, 1)
        nn.init.constant_(self.wrong.bias, -3.0)  # most words are right

    def forward(
        self, vectors: Float[Tensor, "batch n width"], tokens: Int[Tensor, "batch n"]
    ) -> Float[Tensor, " batch"]:
        """Returns the logit of "nothing is wrong" for each caption."""
        h = F.gelu(self.near(F.pad(vectors.transpose(1, 2), (3, 0)))).transpose(1, 2)
        wrong = self.wrong(h)[:, :, 0].masked_fill(tokens == PAD, float("-inf"))
        return -wrong.logsumexp(1)


def corrupted(words: Sequence[int], vocabulary: int, rng: np.random.Generator) -> list[int]:
    """Returns a caption with one to three damages: words repeated, removed, inserted, exchanged, or some shuffled.

    Args:
        words: the caption, at least two tokens, without special tokens.
        vocabulary: number of words, special tokens included.
        rng: decides which damages.
    """
    told = list(words)
    for _ in range(int(rng.integers(1, 4))):
        at, kind = int(rng.integers(len(told))), DAMAGES[rng.integers(len(DAMAGES))]
        if kind == "repeat":
            length = int(rng.integers(1, 5))
            told[at:at] = told[at : at + length]
        elif kind == "remove" and len(told) > 2:
            del told[at]
        elif kind == "insert":
            told.insert(at, int(rng.integers(len(SPECIAL), vocabulary)))
        elif kind == "swap":
            other = int(rng.integers(len(told)))
            told[at], told[other] = told[other], told[at]
        else:
            part = told[at : at + 5]
            told[at : at + 5] = [part[i] for i in rng.permutation(len(part))]
    return told if told != list(words) else told[::-1]


class Reward(nn.Module):
    """What a caption of a picture earns: CLIP's cosine, and the grammar head's confidence."""

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
        """Returns the captioner's tokens as CLIP's, cut to the words that CLIP can take."""
        return self.table[tokens][:, : self.clip.config.text.max_tokens]

    def grammar_logits(self, tokens: Int[Tensor, "batch n"]) -> Float[Tensor, " batch"]:
        """Returns how sure it is that nothing is wrong with captions, given in CLIP's tokens."""
        table = self.clip.text_encoder.token.weight
        return self.grammar(table[tokens] / table.std(), tokens)

    @torch.no_grad()
    def forward(
        self, images: Float[Tensor, "batch embedding"], tokens: Int[Tensor, "batch n"]
    ) -> Float[Tensor, " batch"]:
        """Returns the reward of each caption.

        Args:
            images: CLIP's embeddings of the pictures.
            tokens: captions in the captioner's tokens, from `<bos>` to `<eos>`; without an `<eos>` it earns nothing
                for its grammar.
        """
        told = self.translate(tokens)
        cosine = F.cosine_similarity(images, self.clip.encode_text(told)).clamp(min=0)
        sound = self.grammar_logits(told).sigmoid() * (tokens == EOS).any(1)
        return SCALE * cosine + self.grammar_weight * sound


def log_probabilities(
    net: Blip, patches: Float[Tensor, "batch patches width"], tokens: Int[Tensor, "batch n"]
) -> Float[Tensor, "batch m"]:
    """Returns the log-probability of each word after `<bos>`; 0 at padding."""
    x = net.token(tokens[:, :-1]) + net.position[: tokens.shape[1] - 1]
    for block in net.blocks:
        x = block.decode(x, block.cross.keys(patches))
    chances = (net.norm(x) @ net.token.weight.T).log_softmax(-1)
    said = chances.gather(2, tokens[:, 1:, None])[:, :, 0]
    return said.masked_fill(tokens[:, 1:] == PAD, 0.0)


def self_critical_loss(
    chances: Float[Tensor, "batch m"], earned: Float[Tensor, " batch"], baseline: Float[Tensor, " batch"]
) -> Float[Tensor, ""]:
    """Returns the loss whose gradient is that of the expected reward (Rennie et al. 2017, eq. 8), per word.

    Args:
        chances: log-probabilities of the words that were drawn, 0 at padding.
        earned: what the drawn captions earned.
        baseline: what the greedy captions of the same pictures earned.
    """
    words = (chances != 0).sum().clamp(min=1)
    return -((earned - baseline)[:, None] * chances).sum() / words


def tuned_parameters(net: Blip) -> tuple[str, ...]:
    """Returns the beginnings of the names of BLIP's weights that the text decoder alone uses, and which are tuned."""
    names = [name for name, _ in net.named_parameters() if name.startswith(("blocks.", "norm."))]
    return tuple(name for name in names if ".bidirectional." not in name)
