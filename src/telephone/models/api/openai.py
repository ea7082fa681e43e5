"""Models behind the HTTP interface of OpenAI: the company's own, and any server that speaks the same language."""

import base64
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from telephone.core.errors import ModelError, ModelRefused, ModelUnavailable, UsageError
from telephone.core.images import encode_png
from telephone.models.api import sanitize
from telephone.models.api.embedding_check import unit_rows
from telephone.models.api.endpoints import place
from telephone.models.api.error_mapping import told
from telephone.models.api.http_client import connect
from telephone.models.api.image_download import download
from telephone.models.api.keys import Key
from telephone.models.api.model_catalog import kind_for, model
from telephone.models.api.options import KINDS, read, sentence, size, word
from telephone.models.api.prices import Usage
from telephone.models.api.remote_model import Connection, Remote, each_alone
from telephone.models.base import Embedder, Image2Text, Model, Text2Image, Traits
from telephone.models.provider import ModelCard, Parser, choice, integer, number
from telephone.models.results import ModelOutput

if TYPE_CHECKING:
    import httpx2
    from openai import OpenAI

OWN = "https://api.openai.com/v1"
TEXTS_A_CALL = 64
"""Texts of one call for vectors."""

NEEDED = {"host", "accept", "accept-encoding", "connection", "content-type", "content-length", "transfer-encoding"}
"""The headers of a request that go to every server."""

OPTIONS: dict[str, Mapping[str, Parser]] = {
    "text2image": {"size": size, "quality": word, "background": word},
    "image2text": {
        "task": sentence,
        "detail": word,
        "temperature": number(0, 2),
        "max_tokens": integer(1, 100_000),
        "effort": word,
    },
    "embedder": {"dimensions": integer(1, 100_000), "encoding": choice("float", "base64")},
}
"""The options of each kind, beside those that all remote players share."""


class _Asker(Remote):
    """A player that holds the official client."""

    def __init__(self, line: Connection) -> None:
        self.line = line
        self.model_name = line.model

    @cached_property
    def client(self) -> "OpenAI":
        """The client, made at the first call; it never tries twice, as only one place counts attempts."""
        self.line.check()
        from openai import OpenAI

        line, key = self.line, self.line.key()
        client = connect(line.timeout, line.place.loopback)
        if not line.place.own:
            hooks = client.event_hooks
            client.event_hooks = {**hooks, "request": [*hooks["request"], lambda request: bare(request, key)]}
        return OpenAI(
            api_key=key.reveal() if key else "none",
            base_url=line.place.url,
            max_retries=0,
            timeout=line.timeout,
            http_client=client,
        )

    def body(self, seed: int | None = None) -> dict[str, Any]:
        """The fields that are sent beside those that the client knows."""
        chosen = self.line.seed(seed)
        return {**self.line.options.extra, **({} if chosen is None else {"seed": chosen})}

    def chosen(self, **names: str) -> dict[str, Any]:
        """Returns the given options under the names that the interface has for them."""
        given = self.line.options.deciding
        return {name: given[option] for name, option in names.items() if option in given}


class OpenAIPainter(_Asker, Text2Image):
    """Draws with `images/generations`."""

    def generate_images(self, texts: Sequence[str], seeds: Sequence[int] | None = None) -> list[Any]:
        """Returns one `ModelOutput` or `ModelError` a text."""
        return each_alone(self._draw, texts, seeds)

    def traits(self) -> Traits:
        """Returns what the player is."""
        return self.line.traits()

    def _draw(self, text: str, seed: int | None) -> ModelOutput:
        chosen = self.chosen(size="size", quality="quality", background="background")
        with told(self.line.who):
            found: Any = self.client.images.generate(
                model=self.line.model, prompt=text, n=1, extra_body=self.body(seed), **chosen
            )
            return self._drawn(sound(found, self.line))

    def _drawn(self, found: Any) -> ModelOutput:
        usage = _usage(getattr(found, "usage", None), "input_tokens", "output_tokens")
        first = (getattr(found, "data", None) or [None])[0]
        kept = sanitize.note(usage=_plain(found, "usage"), revised_prompt=getattr(first, "revised_prompt", None))
        return ModelOutput(self._picture(first), self.line.price.cost(usage), kept)

    def _picture(self, first: Any) -> Image.Image | ModelError:
        """The call has been paid by now: an unusable picture is an answer with its cost."""
        try:
            if getattr(first, "b64_json", None):
                return sanitize.picture(sanitize.base64_bytes(first.b64_json))
            if isinstance(getattr(first, "url", None), str):
                return sanitize.picture(download(first.url, self.line.place.loopback, self.line.timeout))
        except ModelError as error:
            return error
        return ModelError(f"{self.line.who} answers without a picture.")


class OpenAIDescriber(_Asker, Image2Text):
    """Describes with `chat/completions`: one message with the request and the picture."""

    def __init__(self, line: Connection) -> None:
        super().__init__(line)
        self.task_description = line.options.deciding.get("task", self.task_description)

    def generate_texts(self, images: Sequence[Image.Image], seeds: Sequence[int] | None = None) -> list[Any]:
        """Returns one `ModelOutput` or `ModelError` a picture."""
        return each_alone(self._describe, images, seeds)

    def traits(self) -> Traits:
        """Returns what the player is; the request in words belongs to it."""
        return self.line.traits(self.task_description)

    def _describe(self, image: Image.Image, seed: int | None) -> ModelOutput:
        # Models of the company's own that think refuse the older name, and most other servers know no other.
        longest = "max_completion_tokens" if self.line.place.own else "max_tokens"
        chosen = self.chosen(temperature="temperature", reasoning_effort="effort", **{longest: "max_tokens"})
        messages: Any = [chat_message(self.task_description, image, self.line.options.deciding.get("detail"))]
        with told(self.line.who):
            found: Any = self.client.chat.completions.create(
                model=self.line.model, messages=messages, extra_body=self.body(seed), **chosen
            )
            return described(sound(found, self.line), self.line)


class OpenAIEmbedder(_Asker, Embedder):
    """Vectors of texts with `embeddings`."""

    def embed_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Returns float32 [n, d] of unit length, one row a text.

        Raises:
            ModelError: the service failed, or its vectors cannot be used.
        """
        parts = [texts[at : at + TEXTS_A_CALL] for at in range(0, len(texts), TEXTS_A_CALL)]
        rows = [row for part in parts for row in self._rows(list(part))]
        return unit_rows(rows, len(texts), self.line.who)

    def traits(self) -> Traits:
        """Returns what the player is."""
        return self.line.traits()

    def _rows(self, texts: list[str]) -> list[Any]:
        chosen = {"encoding_format": "float", **self.chosen(dimensions="dimensions", encoding_format="encoding")}
        with told(self.line.who):
            found: Any = self.client.embeddings.create(
                model=self.line.model, input=texts, extra_body=self.body(), **chosen
            )
            return [one.embedding for one in sorted(sound(found, self.line).data, key=lambda one: int(one.index))]


def bare(request: "httpx2.Request", key: Key | None) -> None:
    """Leaves a request to another server nothing but what it needs and the key that belongs to that server.

    The client adds headers that it finds in the environment, such as the names of organisations and keys of its own.
    """
    for name in list(request.headers):
        if name.lower() not in NEEDED:
            del request.headers[name]
    if key is not None:
        request.headers["authorization"] = f"Bearer {key.reveal()}"


def chat_message(task: str, image: Image.Image, detail: str | None = None) -> dict[str, Any]:
    """Returns the message of a chat that shows a picture and asks for its description."""
    address = "data:image/png;base64," + base64.b64encode(encode_png(image)).decode()
    shown = {"url": address, **({"detail": detail} if detail else {})}
    return {"role": "user", "content": [{"type": "text", "text": task}, {"type": "image_url", "image_url": shown}]}


def described(found: Any, line: Connection) -> ModelOutput:
    """Returns the description that the answer of a chat holds, or the reason why there is none, with its cost."""
    usage = _usage(getattr(found, "usage", None), "prompt_tokens", "completion_tokens")
    choice_ = (getattr(found, "choices", None) or [None])[0]
    message, reason = getattr(choice_, "message", None), getattr(choice_, "finish_reason", None)
    words = getattr(message, "content", None)
    kept = sanitize.note(
        model=getattr(found, "model", None),
        system=getattr(found, "system_fingerprint", None),
        finish=reason,
        usage=_plain(found, "usage"),
        cut=len(words) if isinstance(words, str) and len(words) > sanitize.MAX_TEXT else None,
    )
    return ModelOutput(_words(message, reason, line), line.price.cost(usage), kept)


def sound(found: Any, line: Connection) -> Any:
    """Returns the answer unless it is bare text: the client hands on what is not JSON as it came.

    Raises:
        ModelUnavailable: it is a page of some gateway in between, and may be gone the next time.
    """
    if found is None or isinstance(found, str | bytes):
        raise ModelUnavailable(f"{line.who} answers with something that is not JSON: try again later.")
    return found


def _words(message: Any, reason: Any, line: Connection) -> str | ModelError:
    refusal = sanitize.said(getattr(message, "refusal", None))
    if refusal or reason == "content_filter":
        return ModelRefused(f"{line.who} declines to describe this picture{': ' + refusal if refusal else ''}.")
    words = getattr(message, "content", None)
    if reason == "length" and not (isinstance(words, str) and words.strip()):
        return ModelError(f"{line.who} used up its tokens before it wrote a word: raise max_tokens=.")
    try:
        return sanitize.text(words)
    except ModelError as error:
        return error


def _usage(found: Any, read_name: str, written_name: str) -> Usage:
    def count(name: str) -> int | None:
        value = getattr(found, name, None)
        return value if isinstance(value, int) and value >= 0 else None

    return Usage(input=count(read_name), output=count(written_name) if written_name else 0)


def _plain(found: Any, name: str) -> Any:
    value: Any = getattr(found, name, None)
    if isinstance(value, dict):
        return dict(value)
    return value.model_dump(exclude_none=True) if hasattr(value, "model_dump") else None


class OpenAIProvider:
    """`openai/MODEL`: the part after the slash is the model's name as the server knows it."""

    name = "openai"
    own = OWN

    def cards(self) -> list[ModelCard]:
        """Returns one card a kind: which models there are is the provider's affair."""
        does = {"text2image": "draws", "image2text": "describes", "embedder": "embeds texts"}
        return [
            ModelCard(
                f"{self.name}/MODEL", kind, f"any model of an OpenAI-compatible server that {does[kind]}", options
            )
            for kind, options in ((kind, tuple(sorted(OPTIONS[kind]))) for kind in KINDS)
        ]

    def make(self, name: str, options: Mapping[str, str]) -> Model:
        """Returns a player; nothing is sent and no key is read before its first call.

        Raises:
            UsageError: an option is unknown or cannot be read, or nobody says what the model makes.
        """
        ref = f"{self.name}/{name}"
        asked: Any = options.get("kind")
        if asked is not None and asked not in KINDS:
            raise UsageError(f"The option kind= of {ref} cannot be used: give one of: {', '.join(KINDS)}.")
        kind = kind_for(ref, asked, model("openai", name))
        chosen = read(ref, options, OPTIONS[kind])
        line = Connection(self.name, "openai", name, kind, place(chosen.base_url, self.own), chosen)
        makers = {"text2image": OpenAIPainter, "image2text": OpenAIDescriber, "embedder": OpenAIEmbedder}
        made: Model = makers[kind](line)
        return made


provider = OpenAIProvider()
