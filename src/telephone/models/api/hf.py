"""Models that the inference providers of the Hugging Face hub run, called through the hub's client."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from telephone.core.errors import ModelError
from telephone.core.images import encode_png
from telephone.models.api import sanitize
from telephone.models.api.error_mapping import mapped_errors
from telephone.models.api.http_client import MAX_RESPONSE_BYTES, limit_body, set_deadline
from telephone.models.api.image_download import DownloadPolicy, check_url
from telephone.models.api.model_catalog import CatalogEntry
from telephone.models.api.openai import chat_message, chat_output, checked_response
from telephone.models.api.options import identifier, image_size, task_text
from telephone.models.api.prices import Usage
from telephone.models.api.remote_model import RemoteModel, RemoteProvider, call_each
from telephone.models.base import Embedder, Image2Text, Model, Text2Image
from telephone.models.provider import Parser, choice, integer, number
from telephone.models.results import ModelOutput

if TYPE_CHECKING:
    import httpx2
    from huggingface_hub import InferenceClient

OFFICIAL_URL = "https://router.huggingface.co"
OFFICIAL_HOSTS = {"huggingface.co", "router.huggingface.co"}

OPTIONS: dict[str, Mapping[str, Parser]] = {
    "text2image": {
        "provider": identifier,
        "size": image_size,
        "steps": integer(1, 1000),
        "guidance": number(0, 100),
    },
    "image2text": {
        "provider": identifier,
        "call": choice("chat", "caption"),
        "task": task_text,
        "detail": identifier,
        "temperature": number(0, 2),
        "max_tokens": integer(1, 100_000),
    },
    "embedder": {"provider": identifier},
}
"""The options of each kind beside those of all remote models."""


@dataclass(frozen=True)
class _RequestPolicy:
    """Limits of the requests that the hub's client makes during one call."""

    server: str
    """See `DownloadPolicy.server`."""
    seconds: float


_policy: ContextVar[_RequestPolicy | None] = ContextVar("_policy", default=None)
_lock = threading.Lock()


class _HubModel(RemoteModel):
    """Base of the models that use the hub's client."""

    @cached_property
    def client(self) -> "InferenceClient":
        """The client, created at the first call; it always gets a token, so that it does not search for one."""
        self.connection.check()
        from huggingface_hub import InferenceClient

        connection, key = self.connection, self.connection.key()
        token = key.reveal() if key else "none"
        if not connection.endpoint.official:
            return InferenceClient(base_url=connection.endpoint.url, token=token, timeout=connection.timeout)
        provider: Any = connection.options.request.get("provider")
        return InferenceClient(model=connection.model, provider=provider, token=token, timeout=connection.timeout)

    @contextmanager
    def calling(self) -> Iterator["InferenceClient"]:
        """Yields the client for one call, restricts its requests, and maps its errors."""
        connection = self.connection
        with (
            mapped_errors(connection.label),
            _restricted(_RequestPolicy(connection.endpoint.own_network, connection.timeout)),
        ):
            client = self.client
            try:
                yield client
            except (ValueError, TypeError) as error:
                if getattr(error, "response", None) is not None:
                    raise  # the hub's error for status 400 is a ValueError
                # Errors of the client's own checks, such as a provider that does not run this model.
                reason = sanitize.provider_message(str(error)).rstrip(".")
                raise ModelError(f"{connection.label} cannot be called: {reason}.") from None

    def output(self, value: Any) -> ModelOutput:
        """Returns a result with its cost; the client reports no usage."""
        return ModelOutput(value, self.connection.price.cost(Usage()))


class HubText2Image(_HubModel, Text2Image):
    """Generates images with the task `text-to-image`."""

    def generate_images(self, texts: Sequence[str], seeds: Sequence[int] | None = None) -> list[Any]:
        """Returns one `ModelOutput` or `ModelError` a text."""
        return call_each(self._generate, texts, seeds)

    def _generate(self, text: str, seed: int | None) -> ModelOutput:
        given = self.connection.options.request
        width, _, height = given.get("size", "").partition("x")
        size: dict[str, Any] = {"width": int(width), "height": int(height)} if height else {}
        with self.calling() as client:
            image = client.text_to_image(
                text,
                num_inference_steps=given.get("steps"),
                guidance_scale=given.get("guidance"),
                seed=self.connection.seed(seed),
                extra_body=dict(self.connection.options.extra),
                **size,
            )
            return self.output(_decoded(image))


class HubImage2Text(_HubModel, Image2Text):
    """Describes images by chat, or with the older task `image-to-text` (`call=caption`)."""

    def generate_texts(self, images: Sequence[Image.Image], seeds: Sequence[int] | None = None) -> list[Any]:
        """Returns one `ModelOutput` or `ModelError` an image."""
        return call_each(self._generate, images, seeds)

    def _generate(self, image: Image.Image, seed: int | None) -> ModelOutput:
        given = self.connection.options.request
        if given.get("call") == "caption":
            return self._caption(image)
        messages = [chat_message(self.task_description, image, given.get("detail"))]
        with self.calling() as client:
            response = client.chat_completion(
                messages,
                model=self.connection.model,
                temperature=given.get("temperature"),
                max_tokens=given.get("max_tokens"),
                seed=self.connection.seed(seed),
                extra_body=dict(self.connection.options.extra) or None,
            )
            return chat_output(checked_response(response, self.connection), self.connection)

    def _caption(self, image: Image.Image) -> ModelOutput:
        with self.calling() as client:
            response = client.image_to_text(encode_png(image))
            try:
                return self.output(sanitize.clean_text(response.generated_text))
            except ModelError as error:
                return self.output(error)


class HubEmbedder(_HubModel, Embedder):
    """Embeds texts with the task `feature-extraction`, one call a text."""

    def embed_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Returns float32 [n, d] of unit length, one row a text.

        Raises:
            ModelError: the service failed, or returns token vectors instead of one vector a text.
        """
        return sanitize.unit_rows([self._row(text) for text in texts], len(texts), self.connection.label)

    def _row(self, text: str) -> NDArray[np.float32]:
        with self.calling() as client:
            found = client.feature_extraction(text)
        return found[0] if found.ndim == 2 and found.shape[0] == 1 else found


class HubProvider(RemoteProvider):
    """Provider of `hf/ORG/MODEL`: a model of the hub, run by one of its inference providers."""

    name = "hf"
    package = "huggingface_hub"
    official_url = OFFICIAL_URL
    address = "hf/ORG/MODEL"
    subject = "any hosted model of the hub"
    parsers = OPTIONS

    def make(self, name: str, options: Mapping[str, str]) -> Model:
        """Returns a model; nothing is sent and no key is read before its first call.

        Raises:
            UsageError: an option is unknown or invalid, or the option `kind` is missing.
        """
        connection = self.connection(name, options, CatalogEntry())
        classes = {"text2image": HubText2Image, "image2text": HubImage2Text, "embedder": HubEmbedder}
        model: Model = classes[connection.kind](connection)
        return model


@contextmanager
def _restricted(policy: _RequestPolicy) -> Iterator[None]:
    """Applies the policy to the client's HTTP session, which downloads images itself and is shared in the process."""
    from huggingface_hub import get_session

    with _lock:
        session = get_session()
        hooks = session.event_hooks
        if _check_request not in hooks["request"]:
            session.event_hooks = {
                "request": [*hooks["request"], _check_request],
                "response": [*hooks["response"], _limit_response],
            }
    before = _policy.set(policy)
    try:
        yield
    finally:
        _policy.reset(before)


def _check_request(request: "httpx2.Request") -> None:
    """Checks the destination of a request of this module; requests of other users of the session are ignored."""
    policy = _policy.get()
    if policy is None:
        return
    if not (request.url.scheme == "https" and request.url.host in OFFICIAL_HOSTS):
        check_url(str(request.url), DownloadPolicy(server=policy.server))
    set_deadline(request, policy.seconds)
    request.headers["accept-encoding"] = "identity"


def _limit_response(response: "httpx2.Response") -> None:
    if _policy.get() is not None:
        limit_body(response, MAX_RESPONSE_BYTES)


def _decoded(image: Any) -> Image.Image | ModelError:
    """Decodes the file behind a PIL image that the client has opened but not read."""
    try:
        image.fp.seek(0)
        return sanitize.decode_image(image.fp.read())
    except ModelError as error:
        return error
    except (AttributeError, OSError, ValueError):
        return ModelError("The image in the response cannot be read.")


provider = HubProvider()
