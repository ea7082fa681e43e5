"""CLIP Interrogator (pharmapsychotic 2022, github.com/pharmapsychotic/clip-interrogator): a caption plus phrases.

Nothing is trained: a captioner writes a caption, CLIP ranks banks of phrases by their cosine with the image, and the
best phrases are appended to the caption one after the other. In each round the phrase that raises the cosine of the
whole text most is kept, until none raises it: the original's greedy *chain*. The banks list settings, times, weathers,
styles, and every kind of thing in every colour. Their embeddings are computed once.

The captions are optimised for CLIP's score, so a judge that uses CLIP overrates them.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F

from telephone.nets.clip import Clip
from telephone.nets.tokenizer import WordTokenizer

NEAREST = {"setting": 1, "time": 1, "weather": 1, "style": 1, "things": 3}
"""How many phrases of each bank are candidates."""
CHUNK = 32
"""Texts that are embedded at once."""


class Interrogator:
    """CLIP with the embeddings of all phrases."""

    def __init__(
        self,
        clip: Clip,
        banks: Mapping[str, Sequence[str]],
        margin: float = 0.006,
        most: int = 3,
        each: Callable[..., Iterable[Float[Tensor, "part embedding"]]] = map,
    ) -> None:
        """Embeds the banks.

        Args:
            clip: in evaluation mode.
            banks: the phrases of each bank, by the names of `NEAREST`.
            margin: smallest increase of the cosine for a phrase to be kept.
            most: maximum number of phrases that are added to a caption.
            each: applies a function to the parts of a batch, in order, as `map` does; may run in parallel.
        """
        self.clip, self.margin, self.most = clip, margin, most
        self.tokenizer = WordTokenizer(clip.config.text.words)
        self._each = each
        self.banks = {name: tuple(phrases) for name, phrases in banks.items()}
        self.vectors = {name: self.embed(phrases) for name, phrases in self.banks.items()}

    def embed(self, texts: Sequence[str]) -> Float[Tensor, "texts embedding"]:
        """Returns unit-length embeddings of texts; those of similar length are computed together."""
        limit = self.clip.config.text.max_tokens
        order = sorted(range(len(texts)), key=lambda i: len(texts[i].split()))
        parts = [order[start : start + CHUNK] for start in range(0, len(order), CHUNK)]
        tokens = [self.tokenizer.batch([texts[i] for i in part], limit) for part in parts]
        found = torch.zeros(len(texts), self.clip.config.embedding)
        for part, vectors in zip(parts, self._each(self._encode, tokens), strict=True):
            found[part] = vectors
        return found

    @torch.no_grad()
    def _encode(self, tokens: Int[Tensor, "texts n"]) -> Float[Tensor, "texts embedding"]:
        return F.normalize(self.clip.encode_text(tokens), dim=-1)

    def nearest(self, images: Float[Tensor, "batch embedding"]) -> list[list[str]]:
        """Returns for each image the phrases of each bank that are nearest to it, the nearest first."""
        found: list[list[tuple[float, str]]] = [[] for _ in images]
        for name, phrases in self.banks.items():
            cosines, chosen = (images @ self.vectors[name].T).topk(NEAREST[name])
            for row, values, indices in zip(found, cosines.tolist(), chosen.tolist(), strict=True):
                row += [(value, phrases[index]) for value, index in zip(values, indices, strict=True)]
        return [[phrase for _, phrase in sorted(row, reverse=True)] for row in found]

    def chain(self, images: Float[Tensor, "batch embedding"], captions: Sequence[str]) -> list[str]:
        """Returns each caption with the phrases that raise its cosine with its image.

        Args:
            images: CLIP's embeddings of the images.
            captions: their captions.
        """
        images = F.normalize(images, dim=-1)
        texts = [text.rstrip(". ") for text in captions]
        best = (self.embed([f"{text}." for text in texts]) * images).sum(1)
        left = [
            [phrase for phrase in phrases if phrase not in text]
            for text, phrases in zip((text.lower() for text in texts), self.nearest(images), strict=True)
        ]
        going = set(range(len(texts)))
        for _ in range(self.most):
            going = {item for item in going if left[item]}
            tried = [(item, phrase) for item in sorted(going) for phrase in left[item]]
            if not tried:
                break
            vectors = self.embed([_joined(texts[item], phrase) + "." for item, phrase in tried])
            cosines = (vectors * images[[item for item, _ in tried]]).sum(1)
            going = self._keep(tried, cosines.tolist(), texts, left, best)
        return [f"{text}." for text in texts]

    def _keep(
        self,
        tried: list[tuple[int, str]],
        cosines: list[float],
        texts: list[str],
        left: list[list[str]],
        best: Float[Tensor, " batch"],
    ) -> set[int]:
        """Keeps the best phrase of each image if it raises the cosine; returns the images that got one."""
        top: dict[int, tuple[float, str]] = {}
        for (item, phrase), cosine in zip(tried, cosines, strict=True):
            if cosine > top.get(item, (-2.0, ""))[0]:
                top[item] = cosine, phrase
        grown = {item for item, (cosine, _) in top.items() if cosine > float(best[item]) + self.margin}
        for item in grown:
            best[item], phrase = top[item]
            texts[item] = _joined(texts[item], phrase)
            left[item].remove(phrase)
        return grown


def _joined(text: str, phrase: str) -> str:
    return f"{text}, {phrase}" if text else phrase[0].upper() + phrase[1:]
