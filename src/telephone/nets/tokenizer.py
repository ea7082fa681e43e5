"""Words to numbers and back, for the small language that the pocket nets speak."""

import re
from collections.abc import Iterable, Sequence

import torch
from jaxtyping import Int
from torch import Tensor

PAD, BOS, EOS, UNKNOWN = 0, 1, 2, 3
SPECIAL = ("<pad>", "<bos>", "<eos>", "<unk>")

_PIECE = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?|\d+|[^\w\s]", re.UNICODE)


def split(text: str) -> list[str]:
    """Returns the lower-case words, numbers and punctuation marks of a text."""
    return _PIECE.findall(text.lower())


class WordTokenizer:
    """A word-level tokenizer with a fixed vocabulary; what it does not know becomes `<unk>`."""

    def __init__(self, words: Iterable[str]) -> None:
        """Takes the vocabulary without the special tokens; its order decides the ids."""
        self.words: tuple[str, ...] = (*SPECIAL, *words)
        self._ids = {word: index for index, word in enumerate(self.words)}

    def __len__(self) -> int:
        """Returns the size of the vocabulary, special tokens included."""
        return len(self.words)

    @classmethod
    def learn(cls, texts: Iterable[str]) -> "WordTokenizer":
        """Returns a tokenizer that knows every word of the texts, in alphabetical order."""
        return cls(sorted({word for text in texts for word in split(text)}))

    def encode(self, text: str) -> list[int]:
        """Returns one id a word, without special tokens."""
        return [self._ids.get(word, UNKNOWN) for word in split(text)]

    def batch(self, texts: Sequence[str], limit: int, pad_to: int | None = None) -> Int[Tensor, "batch length"]:
        """Returns `<bos> words <eos>` of each text, cut to `limit` tokens, padded to the longest or to `pad_to`."""
        rows = [[BOS, *self.encode(text)[: limit - 2], EOS] for text in texts]
        width = pad_to or max(map(len, rows))
        return torch.tensor([row + [PAD] * (width - len(row)) for row in rows], dtype=torch.long)

    def cut(self, text: str, limit: int) -> int:
        """Returns how many words of the text do not fit into `limit` tokens."""
        return max(0, len(split(text)) - (limit - 2))

    def decode(self, ids: Sequence[int]) -> str:
        """Returns the text up to `<eos>`: marks cling to the word before them, sentences start with a capital."""
        words: list[str] = []
        for index in ids:
            if index == EOS:
                break
            if index not in (PAD, BOS, UNKNOWN):
                words.append(self.words[index])
        text = re.sub(r" ([.,:;!?])", r"\1", " ".join(words))
        return re.sub(r"(^|[.!?] )(\w)", lambda match: match[1] + match[2].upper(), text)
