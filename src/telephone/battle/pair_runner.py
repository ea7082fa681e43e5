"""One game at a time, as in the original experiment: two models, one prompt, everything in memory."""

import base64
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Protocol

from PIL import Image

from telephone.battle.rules import Conversation, GameSpec, ModelPair, PlayerSlot, check_noise, game_seed
from telephone.core.errors import UsageError
from telephone.core.images import decode, encode_png
from telephone.core.records import Artefact, Noise, Prompt
from telephone.engine import CallFinished, EngineEvent, JobList, Limits, MemoryCallStore, execute
from telephone.models import Image2Text, Model, Text2Image, name_of

_T2I, _I2T = "own/t2i", "own/i2t"
"""Addresses of the two models, which may have equal names."""


@dataclass(frozen=True)
class ConversationRecord(Mapping[str, Any]):
    """Texts and images of one game; read it by attribute or, as in the article, by key."""

    prompt: str
    level: str
    texts: list[str] = field(default_factory=list)
    """The prompt and every description, oldest first (an image-first game has descriptions only)."""
    images: list[Image.Image] = field(default_factory=list)
    """Every image, oldest first (an image-first game starts with that of its prompt)."""

    @property
    def image_urls(self) -> list[str]:
        """The images as `data:` URLs, for code that expects a URL."""
        encoded = (base64.b64encode(encode_png(image)).decode() for image in self.images)
        return [f"data:image/png;base64,{data}" for data in encoded]

    def __getitem__(self, key: str) -> Any:
        """Returns the attribute of this name."""
        if key not in set(self):
            raise KeyError(key)
        return getattr(self, key)

    def __iter__(self) -> Iterator[str]:
        """Yields the keys."""
        yield from (each.name for each in fields(self))
        yield "image_urls"

    def __len__(self) -> int:
        """Returns the number of keys."""
        return len(list(iter(self)))


class HasText(Protocol):
    """A prompt of another class."""

    text: str
    level: str


class PairRunner:
    """A text-to-image and an image-to-text model that play the telephone game."""

    def __init__(self, t2i: Text2Image, i2t: Image2Text) -> None:
        """Connects two models.

        Raises:
            UsageError: one of them is of the wrong kind.
        """
        if not isinstance(t2i, Text2Image) or not isinstance(i2t, Image2Text):
            raise UsageError("TelephoneLine takes first a Text2Image, then an Image2Text model.")
        self.t2i = t2i
        self.i2t = i2t
        self.name = f"{name_of(t2i)}_{name_of(i2t)}"
        self.conversations: dict[str, ConversationRecord] = {}

    def get_conversation_name(self, text: str) -> str:
        """Returns the name of the game that starts with this text: six hexadecimal digits."""
        return hashlib.md5(f"{self.name}{text}".encode(), usedforsecurity=False).hexdigest()[:6]

    def play(
        self,
        prompt: Prompt | HasText | str,
        nturns: int = 10,
        seed: int | None = None,
        noise: Noise = "fresh",
    ) -> ConversationRecord:
        """Plays one game, keeps it in `conversations` under its name, and returns it.

        Args:
            prompt: what to start with; a plain text is an easy prompt, and any object with `text` and `level` works.
            nturns: number of turns; a turn is a text-to-image and an image-to-text call.
            seed: in [0, 2**32); None derives it from the prompt, so that the same game comes out again.
            noise: fresh gives every turn a seed of its own, fixed one seed to all: see `telephone.battle.hop_seed`.

        Raises:
            ModelError: a model failed or declined; the texts and images until then are kept in `conversations`.
            UsageError: there is no turn, the noise is unknown, or a provider does not accept the key.
        """
        check_noise(noise)
        start = _as_prompt(prompt)
        print(f"Connecting {name_of(self.t2i)} <-> {name_of(self.i2t)} with prompt: {start.text[:20]}...")
        chosen = game_seed(0, start.id, 0) if seed is None else seed
        conversation = Conversation(GameSpec(self._slots(), start, chosen, noise=noise), nturns)
        record = ConversationRecord(start.text, start.level)
        self.conversations[self.get_conversation_name(start.text)] = record
        _keep(record, conversation.last)

        def on_event(event: EngineEvent) -> None:
            if isinstance(event, CallFinished) and event.call.result is not None:
                _keep(record, event.call.result)

        limits = Limits(grace=0.0, raise_failures=True)
        made = execute(JobList([conversation]), MemoryCallStore(), self._model, progress=on_event, limits=limits)
        if made.interrupted:
            raise KeyboardInterrupt
        return record

    def _slots(self) -> ModelPair:
        t2i, i2t = self.t2i.traits(), self.i2t.traits()
        return ModelPair(
            PlayerSlot(_T2I, t2i.fingerprint, t2i.seeds, t2i.deterministic),
            PlayerSlot(_I2T, i2t.fingerprint, i2t.seeds, i2t.deterministic),
        )

    def _model(self, ref: str) -> Model:
        return self.t2i if ref == _T2I else self.i2t


def _as_prompt(prompt: Prompt | HasText | str) -> Prompt:
    if isinstance(prompt, Prompt):
        return prompt
    return Prompt(prompt) if isinstance(prompt, str) else Prompt(prompt.text, prompt.level)


def _keep(record: ConversationRecord, made: Artefact) -> None:
    if made.kind == "text":
        record.texts.append(made.text)
    else:
        record.images.append(decode(made.data))
