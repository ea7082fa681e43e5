"""Models of OpenAI, and of every server with the same HTTP interface."""

import base64
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from telephone.core.errors import ModelError, ModelRefused, ModelUnavailable
from telephone.core.images import encode_png
from telephone.models.api import sanitize
from telephone.models.api.error_mapping import from_reported, mapped_errors
from telephone.models.api.http_client import create_client
from telephone.models.api.image_download import download
from telephone.models.api.keys import Key
from telephone.models.api.model_catalog import catalog_entry
from telephone.models.api.options import identifier, image_size, task_text
from telephone.models.api.prices import Usage
from telephone.models.api.remote_model import Connection, RemoteModel, RemoteProvider, call_each
from telephone.models.base import Embedder, Image2Text, Model, Text2Image
from telephone.models.provider import Parser, choice, integer, number
from telephone.models.results import ModelOutput

if TYPE_CHECKING:
    import httpx2
    from openai import OpenAI

OFFICIAL_URL = "https://api.openai.com/v1"
TEXTS_PER_CALL = 64
"""Texts of one embedding request."""

ALLOWED_HEADERS = {
    "host",
    "accept",
    "accept-encoding",
    "connection",
    "content-type",
    "content-length",
    "transfer-encoding",
}
"""Headers of requests to servers other than OpenAI's."""

_DECLINED = ("content_filter", "safety", "prohibited_content", "refusal")
"""Values of `finish_reason` with which a provider declines."""

OPTIONS: dict[str, Mapping[str, Parser]] = {
    "text2image": {"size": image_size, "quality": identifier, "background": identifier},
    "image2text": {
        "task": task_text,
        "detail": identifier,
        "temperature": number(0, 2),
        "max_tokens": integer(1, 100_000),
        "effort": identifier,
    },
    "embedder": {"dimensions": integer(1, 100_000), "encoding": choice("float", "base64")},
}
"""The options of each kind beside those of all remote models."""


class _OpenAIModel(RemoteModel):
    """Base of the models that use the official client."""

    @cached_property
    def client(self) -> "OpenAI":
        """The client, created at the first call; it does not retry, because the engine does."""
        self.connection.check()
        from openai import OpenAI

        connection, key = self.connection, self.connection.key()
        http_client = create_client(connection.timeout, connection.endpoint.loopback)
        if not connection.endpoint.official:
            hooks = http_client.event_hooks
            hooks = {**hooks, "request": [*hooks["request"], lambda request: strip_headers(request, key)]}
            http_client.event_hooks = hooks
        return OpenAI(
            api_key=key.reveal() if key else "none",
            base_url=connection.endpoint.url,
            max_retries=0,
            timeout=connection.timeout,
            http_client=http_client,
        )

    def extra_body(self, seed: int | None = None) -> dict[str, Any]:
        """Returns the fields of the request that the client has no argument for."""
        sent = self.connection.seed(seed)
        return {**self.connection.options.extra, **({} if sent is None else {"seed": sent})}

    def arguments(self, **names: str) -> dict[str, Any]:
        """Returns the given options as arguments of the client, `argument=option`."""
        given = self.connection.options.request
        return {argument: given[option] for argument, option in names.items() if option in given}


class OpenAIText2Image(_OpenAIModel, Text2Image):
    """Generates images with `images/generations`."""

    def generate_images(self, texts: Sequence[str], seeds: Sequence[int] | None = None) -> list[Any]:
        """Returns one `ModelOutput` or `ModelError` a text."""
        return call_each(self._generate, texts, seeds)

    def fingerprint_parts(self) -> tuple[object, ...]:
        """Returns nothing: the options determine the request."""
        return ()

    def _generate(self, text: str, seed: int | None) -> ModelOutput:
        arguments = self.arguments(size="size", quality="quality", background="background")
        with mapped_errors(self.connection.label):
            response: Any = self.client.images.generate(
                model=self.connection.model, prompt=text, n=1, extra_body=self.extra_body(seed), **arguments
            )
            return self._output(checked_response(response, self.connection))

    def _output(self, response: Any) -> ModelOutput:
        usage = _usage(getattr(response, "usage", None), "input_tokens", "output_tokens")
        first = (getattr(response, "data", None) or [None])[0]
        raw = sanitize.metadata_json(
            usage=_plain(response, "usage"), revised_prompt=getattr(first, "revised_prompt", None)
        )
        return ModelOutput(self._image(first), self.connection.price.cost(usage), raw)

    def _image(self, first: Any) -> Image.Image | ModelError:
        """Returns an error as a value: the call is already paid for, so its cost must be kept."""
        try:
            if getattr(first, "b64_json", None):
                return sanitize.decode_image(sanitize.inline_bytes(first.b64_json))
            if isinstance(getattr(first, "url", None), str):
                connection = self.connection
                return sanitize.decode_image(download(first.url, connection.endpoint, connection.timeout))
        except ModelError as error:
            return error
        return ModelError(f"The response of {self.connection.label} has no image.")


class OpenAIImage2Text(_OpenAIModel, Image2Text):
    """Describes images with `chat/completions`: one message with the task and the image."""

    def generate_texts(self, images: Sequence[Image.Image], seeds: Sequence[int] | None = None) -> list[Any]:
        """Returns one `ModelOutput` or `ModelError` an image."""
        return call_each(self._generate, images, seeds)

    def _generate(self, image: Image.Image, seed: int | None) -> ModelOutput:
        connection = self.connection
        # OpenAI's reasoning models reject the older name, and most other servers know no other.
        limit = "max_completion_tokens" if connection.endpoint.official else "max_tokens"
        arguments = self.arguments(temperature="temperature", reasoning_effort="effort", **{limit: "max_tokens"})
        detail = connection.options.request.get("detail")
        messages: Any = [chat_message(self.task_description, image, detail)]
        with mapped_errors(connection.label):
            response: Any = self.client.chat.completions.create(
                model=connection.model, messages=messages, extra_body=self.extra_body(seed), **arguments
            )
            return chat_output(checked_response(response, connection), connection)


class OpenAIEmbedder(_OpenAIModel, Embedder):
    """Embeds texts with `embeddings`."""

    def embed_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Returns float32 [n, d] of unit length, one row a text.

        Raises:
            ModelError: the service failed, or its vectors cannot be used.
        """
        batches = [texts[start : start + TEXTS_PER_CALL] for start in range(0, len(texts), TEXTS_PER_CALL)]
        rows = [row for batch in batches for row in self._rows(list(batch))]
        return sanitize.unit_rows(rows, len(texts), self.connection.label)

    def fingerprint_parts(self) -> tuple[object, ...]:
        """Returns nothing: the options determine the request."""
        return ()

    def _rows(self, texts: list[str]) -> list[Any]:
        arguments = {
            "encoding_format": "float",
            **self.arguments(dimensions="dimensions", encoding_format="encoding"),
        }
        with mapped_errors(self.connection.label):
            response: Any = self.client.embeddings.create(
                model=self.connection.model, input=texts, extra_body=self.extra_body(), **arguments
            )
            data = checked_response(response, self.connection).data
            return [item.embedding for item in sorted(data, key=lambda item: int(item.index))]


def strip_headers(request: "httpx2.Request", key: Key | None) -> None:
    """Removes all headers that another server than OpenAI's does not need, and adds the key of that server.

    The client adds headers from environment variables, such as organisation names and other keys.
    """
    for name in list(request.headers):
        if name.lower() not in ALLOWED_HEADERS:
            del request.headers[name]
    if key is not None:
        request.headers["authorization"] = f"Bearer {key.reveal()}"


def chat_message(task: str, image: Image.Image, detail: str | None = None) -> dict[str, Any]:
    """Returns a chat message with the task and the image."""
    url = "data:image/png;base64," + base64.b64encode(encode_png(image)).decode()
    image_url = {"url": url, **({"detail": detail} if detail else {})}
    return {"role": "user", "content": [{"type": "text", "text": task}, {"type": "image_url", "image_url": image_url}]}


def chat_output(response: Any, connection: Connection) -> ModelOutput:
    """Returns the description in a chat response, or the reason why there is none, with its cost."""
    usage = _usage(getattr(response, "usage", None), "prompt_tokens", "completion_tokens")
    first = (getattr(response, "choices", None) or [None])[0]
    message, reason = getattr(first, "message", None), getattr(first, "finish_reason", None)
    content = getattr(message, "content", None)
    raw = sanitize.metadata_json(
        model=getattr(response, "model", None),
        system=getattr(response, "system_fingerprint", None),
        finish=reason,
        usage=_plain(response, "usage"),
        cut=len(content) if isinstance(content, str) and len(content) > sanitize.MAX_TEXT else None,
    )
    return ModelOutput(_description(message, reason, connection), connection.price.cost(usage), raw)


def checked_response(response: Any, connection: Connection) -> Any:
    """Returns the response of a client unless it is an error.

    Raises:
        ModelUnavailable: it is plain text, such as the error page of a gateway, which the client passes on unparsed.
        ModelError: it is an error that was sent with the HTTP status of a success, mapped as that error would be.
    """
    if response is None or isinstance(response, str | bytes):
        raise ModelUnavailable(f"The response of {connection.label} is not JSON: try again later.")
    if (error := from_reported(connection.label, response)) is not None:
        raise error
    return response


def _description(message: Any, reason: Any, connection: Connection) -> str | ModelError:
    refusal = sanitize.provider_message(getattr(message, "refusal", None))
    if refusal or str(reason).lower() in _DECLINED:
        return ModelRefused(f"{connection.label} declines to describe this image{': ' + refusal if refusal else ''}.")
    if message is None:
        return ModelUnavailable(f"The response of {connection.label} holds no answer: try again later.")
    content = joined_text(getattr(message, "content", None))
    if reason == "length" and (content is None or not str(content).strip()):
        return ModelError(f"{connection.label} reached its token limit before it wrote text: raise max_tokens=.")
    if content is None:
        return ModelError(f"{connection.label} wrote no text: if it reasons first, raise max_tokens=.")
    try:
        return sanitize.clean_text(content)
    except ModelError as error:
        return error


def joined_text(content: Any) -> Any:
    """Returns the text of a message that is a list of parts, without the parts that hold the model's reasoning."""
    if not isinstance(content, list):
        return content
    parts = [part if isinstance(part, dict) else {"type": "text", "text": part} for part in content]
    texts = [part.get("text") for part in parts if part.get("type") in ("text", "output_text")]
    return "".join(text for text in texts if isinstance(text, str))


def _usage(usage: Any, input_name: str, output_name: str) -> Usage:
    def count(name: str) -> int | None:
        value = getattr(usage, name, None)
        return value if isinstance(value, int) and value >= 0 else None

    return Usage(input=count(input_name), output=count(output_name))


def _plain(response: Any, name: str) -> Any:
    value: Any = getattr(response, name, None)
    if isinstance(value, dict):
        return dict(value)
    return value.model_dump(exclude_none=True) if hasattr(value, "model_dump") else None


class OpenAIProvider(RemoteProvider):
    """Provider of `openai/MODEL`; MODEL is the server's name of the model."""

    name = "openai"
    package = "openai"
    official_url = OFFICIAL_URL
    address = "openai/MODEL"
    subject = "any model of an OpenAI-compatible server"
    parsers = OPTIONS

    def make(self, name: str, options: Mapping[str, str]) -> Model:
        """Returns a model; nothing is sent and no key is read before its first call.

        Raises:
            UsageError: an option is unknown or invalid, or the kind of the model is unknown.
        """
        connection = self.connection(name, options, catalog_entry("openai", name))
        classes = {"text2image": OpenAIText2Image, "image2text": OpenAIImage2Text, "embedder": OpenAIEmbedder}
        model: Model = classes[connection.kind](connection)
        return model


provider = OpenAIProvider()
