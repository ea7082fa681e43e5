"""Word-level tokenizers of the pocket nets, English alone or English and Chinese."""

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
    """A word-level tokenizer with a fixed vocabulary; unknown words become `<unk>`."""

    def __init__(self, words: Iterable[str]) -> None:
        """Takes the vocabulary without the special tokens; its order decides the ids."""
        self.words: tuple[str, ...] = (*SPECIAL, *words)
        self._ids = {word: index for index, word in enumerate(self.words)}

    def __len__(self) -> int:
        """Returns the size of the vocabulary, special tokens included."""
        return len(self.words)

    @classmethod
    def learn(cls, texts: Iterable[str]) -> "WordTokenizer":
        """Returns a tokenizer of all words of the texts, in alphabetical order."""
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
        """Returns how many words of the text exceed `limit` tokens."""
        return max(0, len(split(text)) - (limit - 2))

    def decode(self, ids: Sequence[int]) -> str:
        """Returns the text up to `<eos>`: no space before punctuation, sentences start with a capital."""
        words: list[str] = []
        for index in ids:
            if index == EOS:
                break
            if index not in (PAD, BOS, UNKNOWN):
                words.append(self.words[index])
        text = re.sub(r" ([.,:;!?])", r"\1", " ".join(words))
        return re.sub(r"(^|[.!?] )(\w)", lambda match: match[1] + match[2].upper(), text)


# --- conversations, in two languages --------------------------------------------------------------------------------

CHAT = ("<image>", "</image>", "<human>", "<assistant>")
"""Marker tokens of a conversation; their ids follow the special tokens."""
IMAGE, IMAGE_END, HUMAN, ASSISTANT = range(len(SPECIAL), len(SPECIAL) + len(CHAT))

_SIGN = r"\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_MARK = r"\u3000-\u303f\uff00-\uffef"
_CHAT_PIECE = re.compile(rf"[{_SIGN}]|(?:(?![{_SIGN}])[^\W\d_])+(?:'(?:(?![{_SIGN}])[^\W\d_])+)?|\d+|[^\w\s]")
_NO_BLANK = re.compile(rf"(?<=[{_SIGN}{_MARK}]) | (?=[{_SIGN}{_MARK}])")


def split_chat(text: str) -> list[str]:
    """Returns the pieces of a text as `split` does, but every Chinese character is a separate piece."""
    return _CHAT_PIECE.findall(text.lower())


class ChatTokenizer(WordTokenizer):
    """Tokenizer of instruction-following models: English words, Chinese characters, and marker tokens.

    A conversation is `<bos> <human> <image> ... </image> instruction <assistant> answer <eos>`; between the markers of
    the image there is a text, or vectors in its place.
    """

    def __init__(self, words: Iterable[str]) -> None:
        """Takes the vocabulary without special and marker tokens; its order decides the ids."""
        super().__init__((*CHAT, *words))

    @classmethod
    def learn(cls, texts: Iterable[str]) -> "ChatTokenizer":
        """Returns a tokenizer of all words and characters of the texts, in alphabetical order."""
        return cls(sorted({word for text in texts for word in split_chat(text)}))

    def encode(self, text: str) -> list[int]:
        """Returns one id a word or character, without special tokens; no text yields a marker."""
        return [self._ids.get(word, UNKNOWN) for word in split_chat(text)]

    def cut(self, text: str, limit: int) -> int:
        """Returns how many words of the text exceed `limit` tokens."""
        return max(0, len(split_chat(text)) - (limit - 2))

    def before_image(self) -> list[int]:
        """Returns the tokens before the image."""
        return [BOS, HUMAN, IMAGE]

    def after_image(self, instruction: str) -> list[int]:
        """Returns the tokens between the image and the answer."""
        return [IMAGE_END, *self.encode(instruction), ASSISTANT]

    def answer(self, text: str) -> list[int]:
        """Returns the tokens of the answer, with `<eos>`."""
        return [*self.encode(text), EOS]

    def decode(self, ids: Sequence[int]) -> str:
        """Returns the text up to `<eos>`; without markers, and without spaces around Chinese characters."""
        return _NO_BLANK.sub("", super().decode([index for index in ids if not IMAGE <= index <= ASSISTANT]))
