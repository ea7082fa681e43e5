"""Models on Replicate: which inputs they take is data, and what they give back comes in several shapes."""

import base64
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from telephone.core.errors import ModelError, UsageError
from telephone.core.images import encode_png
from telephone.models.api import sanitize
from telephone.models.api.embedding_check import unit_rows
from telephone.models.api.endpoints import place
from telephone.models.api.image_download import download
from telephone.models.api.model_catalog import CatalogEntry, kind_for, model
from telephone.models.api.options import KINDS, read, sentence, word
from telephone.models.api.prices import Usage
from telephone.models.api.remote_model import Connection, Remote, each_alone
from telephone.models.api.replicate_client import OWN, Predictions
from telephone.models.base import Embedder, Image2Text, Model, Text2Image, Traits
from telephone.models.provider import ModelCard, Parser, choice
from telephone.models.results import ModelOutput

EMBEDDED = 256_000
"""Bytes of a picture that is sent inside the request; a larger one is uploaded first, as the service asks."""

_NAMES: dict[str, Parser] = {"prompt_name": word, "image_name": word, "seed_name": word, "output": word}
OPTIONS: dict[str, Mapping[str, Parser]] = {
    "text2image": {**_NAMES, "take": choice("first", "last")},
    "image2text": {**_NAMES, "task": sentence},
    "embedder": _NAMES,
}
"""The options of each kind, beside those that all remote players share; inputs of the model are `input.NAME=value`."""


class _Asker(Remote):
    """A player that holds the small client and knows how the model's inputs are called."""

    def __init__(self, line: Connection, known: CatalogEntry) -> None:
        self.line = line
        self.known = known
        self.model_name = line.model

    @cached_property
    def service(self) -> Predictions:
        """The client, made at the first call."""
        self.line.check()
        line = self.line
        return Predictions(line.who, line.place.url, line.key(), line.timeout, line.place.loopback)

    def said(self, option: str, known: str) -> str:
        """Returns the name that an option gives, else the table's."""
        return str(self.line.options.deciding.get(option, known))

    def run(self, given: dict[str, Any], seed: int | None) -> dict[str, Any]:
        """Returns a finished prediction; inputs named by options come last, so that they overrule the table."""
        name, chosen = self.said("seed_name", self.known.seed), self.line.seed(seed)
        seeded = {name: chosen} if name and chosen is not None else {}
        inputs = {**self.known.input, **given, **seeded, **self.line.options.extra}
        return self.service.run(self.line.model, inputs)

    def answer(self, found: dict[str, Any], made: Any) -> ModelOutput:
        """Returns what was made with its cost and what is known beside it."""
        metrics = found.get("metrics") if isinstance(found.get("metrics"), dict) else {}
        seconds = (metrics or {}).get("predict_time")
        usage = Usage(seconds=float(seconds) if isinstance(seconds, int | float) else None)
        kept = sanitize.note(id=found.get("id"), version=found.get("version"), metrics=metrics)
        return ModelOutput(made, self.line.price.cost(usage), kept)

    def output(self, found: dict[str, Any]) -> Any:
        """Returns the output, or the part of it that the option `output` names."""
        made, name = found.get("output"), self.said("output", "")
        return made.get(name) if name and isinstance(made, dict) else made

    def traits(self) -> Traits:
        """Returns what the player is; the table's inputs and the request in words belong to it."""
        known = self.known
        sent = (known.prompt, known.image, known.seed, known.opening, known.take, sorted(known.input.items()))
        return self.line.traits(*sent, getattr(self, "task_description", ""))


class ReplicatePainter(_Asker, Text2Image):
    """Draws: the text becomes the input `prompt`, or whatever the model calls it."""

    def generate_images(self, texts: Sequence[str], seeds: Sequence[int] | None = None) -> list[Any]:
        """Returns one `ModelOutput` or `ModelError` a text."""
        return each_alone(self._draw, texts, seeds)

    def _draw(self, text: str, seed: int | None) -> ModelOutput:
        found = self.run({self.said("prompt_name", self.known.prompt or "prompt"): text}, seed)
        return self.answer(found, self._picture(self.output(found)))

    def _picture(self, output: Any) -> Image.Image | ModelError:
        """The call has been paid by now: an unusable picture is an answer with its cost."""
        at = -1 if self.said("take", self.known.take) == "last" else 0
        address = output[at] if isinstance(output, list) and output else output
        if not isinstance(address, str):
            return ModelError(f"{self.line.who} answers without the address of a picture.")
        try:
            return sanitize.picture(download(address, self.line.place.loopback, self.line.timeout))
        except ModelError as error:
            return error


class ReplicateDescriber(_Asker, Image2Text):
    """Describes: the picture becomes the input `image`, the request in words the input `prompt` if there is one."""

    def __init__(self, line: Connection, known: CatalogEntry) -> None:
        super().__init__(line, known)
        self.task_description = line.options.deciding.get("task", self.task_description)

    def generate_texts(self, images: Sequence[Image.Image], seeds: Sequence[int] | None = None) -> list[Any]:
        """Returns one `ModelOutput` or `ModelError` a picture."""
        return each_alone(self._describe, images, seeds)

    def _describe(self, image: Image.Image, seed: int | None) -> ModelOutput:
        prompt = self.said("prompt_name", self.known.prompt)
        with self._shown(encode_png(image)) as address:
            given = {self.said("image_name", self.known.image or "image"): address}
            found = self.run({**given, **({prompt: self.task_description} if prompt else {})}, seed)
        return self.answer(found, self._words(self.output(found)))

    def _words(self, output: Any) -> str | ModelError:
        """A model that streams gives a list of pieces, which belong together as they are."""
        pieces = output if isinstance(output, list) else [output]
        try:
            words = "".join(pieces) if all(isinstance(piece, str) for piece in pieces) else output
            told = sanitize.text(words)
        except ModelError as error:
            return error
        return told.removeprefix(self.known.opening).strip() or told

    @contextmanager
    def _shown(self, data: bytes) -> Iterator[str]:
        """Gives the address under which the model sees the picture, and takes an uploaded one away again."""
        if len(data) <= EMBEDDED:
            yield "data:image/png;base64," + base64.b64encode(data).decode()
            return
        file, address = self.service.upload(data)
        try:
            yield address
        finally:
            self.service.delete(file)


class ReplicateEmbedder(_Asker, Embedder):
    """Vectors of texts, one call a text."""

    def embed_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Returns float32 [n, d] of unit length, one row a text.

        Raises:
            ModelError: the service failed, or its vectors cannot be used.
        """
        name = self.said("prompt_name", self.known.prompt or "text")
        rows = [self.output(self.run({name: text}, None)) for text in texts]
        return unit_rows(rows, len(texts), self.line.who)


class ReplicateProvider:
    """`replicate/OWNER/MODEL` or `replicate/OWNER/MODEL:VERSION`."""

    name = "replicate"

    def cards(self) -> list[ModelCard]:
        """Returns one card a kind: which models there are is the service's affair."""
        does = {"text2image": "draws", "image2text": "describes", "embedder": "embeds texts"}
        ref = "replicate/OWNER/MODEL:VERSION"
        return [
            ModelCard(ref, kind, f"any model of Replicate that {does[kind]}", tuple(sorted(OPTIONS[kind])))
            for kind in KINDS
        ]

    def make(self, name: str, options: Mapping[str, str]) -> Model:
        """Returns a player; nothing is sent and no key is read before its first call.

        Raises:
            UsageError: the name or an option cannot be read, or nobody says what the model makes.
        """
        ref = f"replicate/{name}"
        if not re.fullmatch(r"[\w.-]+/[\w.-]+(:[\w.-]+)?", name):
            raise UsageError(
                f"{ref} is no address of a model: write replicate/OWNER/MODEL or replicate/OWNER/MODEL:VERSION."
            )
        asked: Any = options.get("kind")
        if asked is not None and asked not in KINDS:
            raise UsageError(f"The option kind= of {ref} cannot be used: give one of: {', '.join(KINDS)}.")
        known = model("replicate", name)
        kind = kind_for(ref, asked, known)
        chosen = read(ref, options, OPTIONS[kind], prefix="input.")
        line = Connection("replicate", "httpx2", name, kind, place(chosen.base_url, OWN), chosen, usual_timeout=300.0)
        makers: dict[str, Any] = {
            "text2image": ReplicatePainter,
            "image2text": ReplicateDescriber,
            "embedder": ReplicateEmbedder,
        }
        made: Model = makers[kind](line, known)
        return made


provider = ReplicateProvider()
