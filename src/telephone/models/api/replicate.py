"""Models on Replicate; the names of their inputs come from the table of models or from options."""

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
from telephone.models.api.image_download import download
from telephone.models.api.model_catalog import CatalogEntry, catalog_entry
from telephone.models.api.options import identifier, task_text
from telephone.models.api.prices import Usage
from telephone.models.api.remote_model import Connection, RemoteModel, RemoteProvider, call_each
from telephone.models.api.replicate_client import OFFICIAL_URL, ReplicateClient
from telephone.models.base import Embedder, Image2Text, Model, Text2Image
from telephone.models.provider import Parser, choice
from telephone.models.results import ModelOutput

MAX_INLINE_BYTES = 256_000
"""Bytes of an image that is sent inside the request; a larger one is uploaded first, as the service recommends."""

MAX_NESTING = 4
"""Objects and lists around an output."""
_FIELDS: dict[str, tuple[str, ...]] = {
    "text2image": ("image", "images", "url", "urls", "file", "output", "outputs"),
    "image2text": ("text", "caption", "description", "answer", "response", "generated_text", "output"),
    "embedder": ("embedding", "embeddings", "vector", "vectors", "output"),
}
"""Usual fields of an output that is an object."""

_NAMES: dict[str, Parser] = {
    "prompt_name": identifier,
    "image_name": identifier,
    "seed_name": identifier,
    "output": identifier,
}
OPTIONS: dict[str, Mapping[str, Parser]] = {
    "text2image": {**_NAMES, "take": choice("first", "last")},
    "image2text": {**_NAMES, "task": task_text},
    "embedder": _NAMES,
}
"""The options of each kind beside those of all remote models; inputs of the model are `input.NAME=value`."""


class _ReplicateModel(RemoteModel):
    """Base of the models on Replicate: calls the model with the names of its inputs."""

    def __init__(self, connection: Connection, entry: CatalogEntry) -> None:
        """Stores the connection and what the table knows about the model."""
        super().__init__(connection)
        self.entry = entry

    @cached_property
    def client(self) -> ReplicateClient:
        """The client, created at the first call."""
        self.connection.check()
        connection = self.connection
        return ReplicateClient(
            connection.label,
            connection.endpoint.url,
            connection.key(),
            connection.timeout,
            connection.endpoint.loopback,
        )

    def option(self, name: str, default: str) -> str:
        """Returns the value of an option, else the default."""
        return str(self.connection.options.request.get(name, default))

    def predict(self, inputs: dict[str, Any], seed: int | None) -> dict[str, Any]:
        """Returns a finished prediction; inputs of the options override those of the table."""
        name, sent = self.option("seed_name", self.entry.seed), self.connection.seed(seed)
        seeded = {name: sent} if name and sent is not None else {}
        merged = {**self.entry.input, **inputs, **seeded, **self.connection.options.extra}
        return self.client.run(self.connection.model, merged)

    def output(self, prediction: dict[str, Any], value: Any) -> ModelOutput:
        """Returns a result with its cost and metadata."""
        metrics = prediction.get("metrics") if isinstance(prediction.get("metrics"), dict) else {}
        seconds = (metrics or {}).get("predict_time")
        usage = Usage(seconds=float(seconds) if isinstance(seconds, int | float) else None)
        raw = sanitize.metadata_json(id=prediction.get("id"), version=prediction.get("version"), metrics=metrics)
        return ModelOutput(value, self.connection.price.cost(usage), raw)

    def raw_output(self, prediction: dict[str, Any]) -> Any:
        """Returns the output of a prediction without the objects around it.

        The field is the one that the option `output` names, else a usual one for this kind of model, else the only one.

        Raises:
            ModelError: an object has several fields, and none of them is usual or named.
        """
        value, named = prediction.get("output"), self.option("output", "")
        last = self.option("take", self.entry.take) == "last"
        for _ in range(MAX_NESTING):
            if isinstance(value, list) and value and isinstance(value[0], dict):
                value = value[-1 if last else 0]
            elif isinstance(value, dict):
                value = value[self._field(value, named)]
            else:
                return value
        return value

    def _field(self, value: Mapping[str, Any], named: str) -> str:
        usual = [name for name in (named, *_FIELDS[self.connection.kind]) if name and value.get(name)]
        filled = usual[:1] or [name for name in value if value[name]]
        if len(filled) == 1 and (not named or filled[0] == named or named not in value):
            return filled[0]
        listed = ", ".join(sanitize.provider_message(str(name), 40) for name in list(value)[:10]) or "none"
        raise ModelError(f"The output of {self.connection.label} has the fields {listed}: name one with output=.")

    def fingerprint_parts(self) -> tuple[object, ...]:
        """Returns the entry of the table and the task text."""
        entry = self.entry
        fields = (entry.prompt, entry.image, entry.seed, entry.opening, entry.take, sorted(entry.input.items()))
        return (*fields, *super().fingerprint_parts())


class ReplicateText2Image(_ReplicateModel, Text2Image):
    """Generates images; the text is the input `prompt`, or the input that the table or an option names."""

    def generate_images(self, texts: Sequence[str], seeds: Sequence[int] | None = None) -> list[Any]:
        """Returns one `ModelOutput` or `ModelError` a text."""
        return call_each(self._generate, texts, seeds)

    def _generate(self, text: str, seed: int | None) -> ModelOutput:
        prediction = self.predict({self.option("prompt_name", self.entry.prompt or "prompt"): text}, seed)
        return self.output(prediction, self._image(prediction))

    def _image(self, prediction: dict[str, Any]) -> Image.Image | ModelError:
        """Returns an error as a value: the call is already paid for, so its cost must be kept."""
        index = -1 if self.option("take", self.entry.take) == "last" else 0
        try:
            output = self.raw_output(prediction)
            url = output[index] if isinstance(output, list) and output else output
            if not isinstance(url, str):
                return ModelError(f"The response of {self.connection.label} has no URL of an image.")
            return sanitize.decode_image(download(url, self.connection.endpoint, self.connection.timeout))
        except ModelError as error:
            return error


class ReplicateImage2Text(_ReplicateModel, Image2Text):
    """Describes images; the image is the input `image`, the task text the input `prompt` if the model has one."""

    def generate_texts(self, images: Sequence[Image.Image], seeds: Sequence[int] | None = None) -> list[Any]:
        """Returns one `ModelOutput` or `ModelError` an image."""
        return call_each(self._generate, images, seeds)

    def _generate(self, image: Image.Image, seed: int | None) -> ModelOutput:
        prompt = self.option("prompt_name", self.entry.prompt)
        with self._image_url(encode_png(image)) as url:
            inputs = {self.option("image_name", self.entry.image or "image"): url}
            prediction = self.predict({**inputs, **({prompt: self.task_description} if prompt else {})}, seed)
        return self.output(prediction, self._description(prediction))

    def _description(self, prediction: dict[str, Any]) -> str | ModelError:
        """Joins the pieces of a streaming model without separators."""
        try:
            output = self.raw_output(prediction)
            pieces = output if isinstance(output, list) else [output]
            joined = "".join(pieces) if all(isinstance(piece, str) for piece in pieces) else output
            text = sanitize.clean_text(joined)
        except ModelError as error:
            return error
        return text.removeprefix(self.entry.opening).strip() or text

    @contextmanager
    def _image_url(self, data: bytes) -> Iterator[str]:
        """Yields the URL under which the model reads the image; an uploaded file is deleted afterwards."""
        if len(data) <= MAX_INLINE_BYTES:
            yield "data:image/png;base64," + base64.b64encode(data).decode()
            return
        file, url = self.client.upload(data)
        try:
            yield url
        finally:
            self.client.delete(file)


class ReplicateEmbedder(_ReplicateModel, Embedder):
    """Embeds texts, one call a text."""

    def embed_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Returns float32 [n, d] of unit length, one row a text.

        Raises:
            ModelError: the service failed, or its vectors cannot be used.
        """
        name = self.option("prompt_name", self.entry.prompt or "text")
        rows = [self.raw_output(self.predict({name: text}, None)) for text in texts]
        return sanitize.unit_rows(rows, len(texts), self.connection.label)


class ReplicateProvider(RemoteProvider):
    """Provider of `replicate/OWNER/MODEL` and `replicate/OWNER/MODEL:VERSION`."""

    name = "replicate"
    package = "httpx2"
    official_url = OFFICIAL_URL
    address = "replicate/OWNER/MODEL:VERSION"
    subject = "any model of Replicate"
    parsers = OPTIONS
    extra_prefix = "input."
    default_timeout = 300.0

    def make(self, name: str, options: Mapping[str, str]) -> Model:
        """Returns a model; nothing is sent and no key is read before its first call.

        Raises:
            UsageError: the name or an option is invalid, or the kind of the model is unknown.
        """
        if not re.fullmatch(r"[\w.-]+/[\w.-]+(:[\w.-]+)?", name):
            raise UsageError(
                f"replicate/{name} is not the address of a model: write replicate/OWNER/MODEL or "
                "replicate/OWNER/MODEL:VERSION."
            )
        entry = catalog_entry("replicate", name)
        connection = self.connection(name, options, entry)
        classes = {
            "text2image": ReplicateText2Image,
            "image2text": ReplicateImage2Text,
            "embedder": ReplicateEmbedder,
        }
        model: Model = classes[connection.kind](connection, entry)
        return model


provider = ReplicateProvider()
