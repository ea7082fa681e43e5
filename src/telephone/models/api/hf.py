"""Models that the Hugging Face hub's inference providers run, by the hub's own client and under our rules."""

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

from telephone.core.errors import ModelError, UsageError
from telephone.core.images import encode_png
from telephone.models.api import sanitize
from telephone.models.api.embedding_check import unit_rows
from telephone.models.api.endpoints import place
from telephone.models.api.error_mapping import told
from telephone.models.api.http_client import MAX_ANSWER, bound, stamp
from telephone.models.api.image_download import DownloadGuard, check
from telephone.models.api.model_catalog import CatalogEntry, kind_for
from telephone.models.api.openai import chat_message, described
from telephone.models.api.options import KINDS, read, sentence, size, word
from telephone.models.api.prices import Usage
from telephone.models.api.remote_model import Connection, Remote, each_alone
from telephone.models.base import Embedder, Image2Text, Model, Text2Image, Traits
from telephone.models.provider import ModelCard, Parser, choice, integer, number
from telephone.models.results import ModelOutput

if TYPE_CHECKING:
    import httpx2
    from huggingface_hub import InferenceClient

OWN = "https://router.huggingface.co"
HUB = {"huggingface.co", "router.huggingface.co"}

OPTIONS: dict[str, Mapping[str, Parser]] = {
    "text2image": {"provider": word, "size": size, "steps": integer(1, 1000), "guidance": number(0, 100)},
    "image2text": {
        "provider": word,
        "call": choice("chat", "caption"),
        "task": sentence,
        "detail": word,
        "temperature": number(0, 2),
        "max_tokens": integer(1, 100_000),
    },
    "embedder": {"provider": word},
}
"""The options of each kind, beside those that all remote players share."""


@dataclass(frozen=True)
class _Rules:
    """What the hub's client may do during one of our calls."""

    local: bool
    seconds: float


_rules: ContextVar[_Rules | None] = ContextVar("_rules", default=None)
_lock = threading.Lock()


class _Asker(Remote):
    """A player that holds the hub's client."""

    def __init__(self, line: Connection) -> None:
        self.line = line
        self.model_name = line.model

    @cached_property
    def client(self) -> "InferenceClient":
        """The client, made at the first call; without a key it would look for one in places of its own."""
        self.line.check()
        from huggingface_hub import InferenceClient

        line, key = self.line, self.line.key()
        token = key.reveal() if key else "none"
        if not line.place.own:
            return InferenceClient(base_url=line.place.url, token=token, timeout=line.timeout)
        asked: Any = line.options.deciding.get("provider")
        return InferenceClient(model=line.model, provider=asked, token=token, timeout=line.timeout)

    @contextmanager
    def asking(self) -> Iterator["InferenceClient"]:
        """Gives the client for one call, during which its session obeys our rules, and translates its errors."""
        with told(self.line.who), _ruled(_Rules(self.line.place.loopback, self.line.timeout)):
            client = self.client
            try:
                yield client
            except (ValueError, TypeError) as error:
                # The client's own refusals, such as a provider that does not run this model.
                raise ModelError(f"{self.line.who} cannot be asked: {sanitize.said(str(error)).rstrip('.')}.") from None

    def answer(self, made: Any) -> ModelOutput:
        """Returns what was made; the client tells nothing of what it cost."""
        return ModelOutput(made, self.line.price.cost(Usage()))

    def traits(self) -> Traits:
        """Returns what the player is; the request in words belongs to it."""
        return self.line.traits(getattr(self, "task_description", ""))


class HubPainter(_Asker, Text2Image):
    """Draws with the task `text-to-image`."""

    def generate_images(self, texts: Sequence[str], seeds: Sequence[int] | None = None) -> list[Any]:
        """Returns one `ModelOutput` or `ModelError` a text."""
        return each_alone(self._draw, texts, seeds)

    def _draw(self, text: str, seed: int | None) -> ModelOutput:
        given = self.line.options.deciding
        width, _, height = given.get("size", "").partition("x")
        wanted: dict[str, Any] = {"width": int(width), "height": int(height)} if height else {}
        with self.asking() as client:
            made = client.text_to_image(
                text,
                num_inference_steps=given.get("steps"),
                guidance_scale=given.get("guidance"),
                seed=self.line.seed(seed),
                extra_body=dict(self.line.options.extra),
                **wanted,
            )
            return self.answer(_redrawn(made))


class HubDescriber(_Asker, Image2Text):
    """Describes by a chat with the picture, or with the older task `image-to-text` (`call=caption`)."""

    def __init__(self, line: Connection) -> None:
        super().__init__(line)
        self.task_description = line.options.deciding.get("task", self.task_description)

    def generate_texts(self, images: Sequence[Image.Image], seeds: Sequence[int] | None = None) -> list[Any]:
        """Returns one `ModelOutput` or `ModelError` a picture."""
        return each_alone(self._describe, images, seeds)

    def _describe(self, image: Image.Image, seed: int | None) -> ModelOutput:
        given = self.line.options.deciding
        if given.get("call") == "caption":
            return self._caption(image)
        messages = [chat_message(self.task_description, image, given.get("detail"))]
        with self.asking() as client:
            found = client.chat_completion(
                messages,
                model=self.line.model,
                temperature=given.get("temperature"),
                max_tokens=given.get("max_tokens"),
                seed=self.line.seed(seed),
                extra_body=dict(self.line.options.extra) or None,
            )
            return described(found, self.line)

    def _caption(self, image: Image.Image) -> ModelOutput:
        with self.asking() as client:
            found = client.image_to_text(encode_png(image))
            try:
                return self.answer(sanitize.text(found.generated_text))
            except ModelError as error:
                return self.answer(error)


class HubEmbedder(_Asker, Embedder):
    """Vectors of texts with the task `feature-extraction`, one call a text."""

    def embed_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Returns float32 [n, d] of unit length, one row a text.

        Raises:
            ModelError: the service failed, or gives vectors of tokens in place of one vector a text.
        """
        return unit_rows([self._row(text) for text in texts], len(texts), self.line.who)

    def _row(self, text: str) -> NDArray[np.float32]:
        with self.asking() as client:
            found = client.feature_extraction(text)
        return found[0] if found.ndim == 2 and found.shape[0] == 1 else found


class HubProvider:
    """`hf/ORG/MODEL`: a model of the hub, run by one of its providers."""

    name = "hf"

    def cards(self) -> list[ModelCard]:
        """Returns one card a kind: which models there are is the hub's affair."""
        does = {"text2image": "draws", "image2text": "describes", "embedder": "embeds texts"}
        return [
            ModelCard(
                "hf/ORG/MODEL", kind, f"any hosted model of the hub that {does[kind]}", tuple(sorted(OPTIONS[kind]))
            )
            for kind in KINDS
        ]

    def make(self, name: str, options: Mapping[str, str]) -> Model:
        """Returns a player; nothing is sent and no key is read before its first call.

        Raises:
            UsageError: an option is unknown or cannot be read, or it does not say what the model makes.
        """
        ref = f"hf/{name}"
        asked: Any = options.get("kind")
        if asked is not None and asked not in KINDS:
            raise UsageError(f"The option kind= of {ref} cannot be used: give one of: {', '.join(KINDS)}.")
        kind = kind_for(ref, asked, CatalogEntry())
        chosen = read(ref, options, OPTIONS[kind])
        line = Connection("hf", "huggingface_hub", name, kind, place(chosen.base_url, OWN), chosen)
        makers = {"text2image": HubPainter, "image2text": HubDescriber, "embedder": HubEmbedder}
        made: Model = makers[kind](line)
        return made


@contextmanager
def _ruled(rules: _Rules) -> Iterator[None]:
    """The hub's client downloads pictures on its own, in a session that other calls of this process share."""
    from huggingface_hub import get_session

    with _lock:
        session = get_session()
        hooks = session.event_hooks
        if _look not in hooks["request"]:
            asked, came = [*hooks["request"], _look], [*hooks["response"], _limit]
            session.event_hooks = {"request": asked, "response": came}
    before = _rules.set(rules)
    try:
        yield
    finally:
        _rules.reset(before)


def _look(request: "httpx2.Request") -> None:
    """Checks where one of our calls is about to go; the session's other users are not our affair."""
    rules = _rules.get()
    if rules is None:
        return
    if not (request.url.scheme == "https" and request.url.host in HUB):
        check(str(request.url), DownloadGuard(local=rules.local))
    stamp(request, rules.seconds)
    request.headers["accept-encoding"] = "identity"


def _limit(response: "httpx2.Response") -> None:
    if _rules.get() is not None:
        bound(response, MAX_ANSWER)


def _redrawn(made: Any) -> Image.Image | ModelError:
    """The client has opened the file but decoded nothing yet: the file itself goes through our own door."""
    try:
        made.fp.seek(0)
        return sanitize.picture(made.fp.read())
    except ModelError as error:
        return error
    except (AttributeError, OSError, ValueError):
        return ModelError("The answer's picture cannot be read.")


provider = HubProvider()
