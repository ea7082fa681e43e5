"""Byte-pair encoding of texts (Sennrich et al. 2016, arXiv 1508.07909), on the bytes of UTF-8, with BPE dropout.

The first 256 tokens are the bytes, so no text is unknown; each further token joins two earlier ones. Texts are
lower-cased, as in DALL-E (Ramesh et al. 2021, arXiv 2102.12092, section 2.2), and no token spans two words.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

BYTES = 256
"""Tokens that are bytes; the token of merge i is 256 + i."""

_WORD = re.compile(r" ?\w+|\s+|[^\w\s]+")
"""A word with the space before it, blanks, or marks: together the pieces are the whole text."""

Pair = tuple[int, int]


class BytePairTokenizer:
    """Tokens of bytes and of joined tokens."""

    def __init__(self, merges: Iterable[Sequence[int]]) -> None:
        """Takes the pairs of tokens that are joined, the most frequent first; each refers to earlier tokens.

        Raises:
            ValueError: a merge is no pair of earlier tokens, or is there twice.
        """
        self.merges: tuple[Pair, ...] = tuple((int(left), int(right)) for left, right in merges)
        self._rank = {pair: rank for rank, pair in enumerate(self.merges)}
        self._spelling = [bytes([byte]) for byte in range(BYTES)]
        for rank, (left, right) in enumerate(self.merges):
            if not (0 <= left < BYTES + rank and 0 <= right < BYTES + rank) or self._rank[left, right] != rank:
                raise ValueError(f"Merge {rank} joins {left} and {right}: give pairs of earlier tokens, each once.")
            self._spelling.append(self._spelling[left] + self._spelling[right])
        self._known: dict[str, tuple[int, ...]] = {}

    def __len__(self) -> int:
        """Returns the number of tokens."""
        return len(self._spelling)

    @classmethod
    def learn(cls, texts: Iterable[str], merges: int) -> "BytePairTokenizer":
        """Returns the tokenizer whose merges are, one after the other, the most frequent pair; ties by token number.

        Args:
            texts: what is counted.
            merges: how many at most; fewer if every word is one token before that.
        """
        counts = Counter(piece for text in texts for piece in _pieces(text))
        words = [(list(piece.encode("utf-8", "replace")), count) for piece, count in sorted(counts.items())]
        found: list[Pair] = []
        while len(found) < merges:
            pairs: Counter[Pair] = Counter()
            for tokens, count in words:
                for pair in zip(tokens, tokens[1:], strict=False):
                    pairs[pair] += count
            if not pairs:
                break
            best = min(pairs, key=lambda pair: (-pairs[pair], pair))
            words = [(_join(tokens, best, BYTES + len(found)), count) for tokens, count in words]
            found.append(best)
        return cls(found)

    def encode(self, text: str, dropout: float = 0.0, rng: np.random.Generator | None = None) -> list[int]:
        """Returns the tokens of a text in lower case.

        Args:
            text: any text.
            dropout: chance that a possible merge is left out at each step (Provilkov et al. 2020, arXiv 1910.13267,
                algorithm 1); a text then has many spellings, all of which decode to it.
            rng: draws which merges are left out; needed with dropout.

        Raises:
            ValueError: there is dropout without `rng`.
        """
        if dropout and rng is None:
            raise ValueError("Dropout needs random numbers: give rng.")
        tokens: list[int] = []
        for piece in _pieces(text):
            if rng is not None and dropout:
                tokens += self._merge(list(piece.encode("utf-8", "replace")), dropout, rng)
                continue
            if piece not in self._known:
                self._known[piece] = tuple(self._merge(list(piece.encode("utf-8", "replace"))))
            tokens += self._known[piece]
        return tokens

    def decode(self, tokens: Iterable[int]) -> str:
        """Returns the text of tokens; bytes that are no UTF-8 become U+FFFD."""
        return b"".join(self._spelling[token] for token in tokens).decode("utf-8", "replace")

    def cut(self, text: str, limit: int) -> int:
        """Returns how many words of the text do not fit into `limit` tokens."""
        length, left_out = 0, 0
        for piece in _pieces(text):
            length += len(self.encode(piece))
            left_out += length > limit and not piece.isspace()
        return left_out

    def _merge(self, tokens: list[int], dropout: float = 0.0, rng: np.random.Generator | None = None) -> list[int]:
        """Joins pairs, the earliest merge first, until none is left or all that are left are dropped."""
        while len(tokens) > 1:
            pairs = [(self._rank[pair], at) for at, pair in enumerate(zip(tokens, tokens[1:], strict=False))
                     if pair in self._rank]  # fmt: skip
            if rng is not None:
                kept = rng.random(len(pairs)) >= dropout
                pairs = [pair for pair, keep in zip(pairs, kept, strict=True) if keep]
            if not pairs:
                break
            rank, at = min(pairs)
            tokens = [*tokens[:at], BYTES + rank, *tokens[at + 2 :]]
        return tokens


def _pieces(text: str) -> list[str]:
    return _WORD.findall(text.lower())


def _join(tokens: list[int], pair: Pair, new: int) -> list[int]:
    """Returns the tokens with every occurrence of a pair, from the left, replaced by one token."""
    joined: list[int] = []
    at = 0
    while at < len(tokens):
        found = at + 1 < len(tokens) and (tokens[at], tokens[at + 1]) == pair
        joined.append(new if found else tokens[at])
        at += 2 if found else 1
    return joined
