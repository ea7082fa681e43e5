"""Request bodies of OpenAI's interface; unsupported fields are ignored."""

from typing import Annotated, Any, Literal

from PIL import Image
from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag
from pydantic_core import PydanticCustomError

from telephone.core.errors import ModelError
from telephone.core.images import own_filters, without_metadata
from telephone.models.api.sanitize import data_url_bytes, decode_image
from telephone.serve.error_responses import ApiError, bad_request

MAX_TEXT = 32_000
"""Maximum characters of one text."""
MAX_PIXELS = 16_000_000
"""Maximum pixels of an image."""
MAX_TEXTS = 2048
"""Maximum texts of one request for embeddings."""
MAX_IMAGES = 10
MAX_MESSAGES = 16
MAX_PARTS = 64
"""Maximum parts of one message."""

Text = Annotated[str, Field(min_length=1, max_length=MAX_TEXT)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]
Size = Annotated[str, Field(pattern=r"^(auto|[1-9]\d{0,4}x[1-9]\d{0,4})$")]


class _ModelRequest(BaseModel):
    """Base of all requests: they name a model, and types are strict."""

    model_config = ConfigDict(strict=True, extra="ignore")

    model: Annotated[str, Field(min_length=1, max_length=500)]


class ImageRequest(_ModelRequest):
    """`POST /v1/images/generations`."""

    prompt: Text
    n: Annotated[int, Field(ge=1, le=MAX_IMAGES)] | None = None
    size: Size | None = None
    seed: Seed | None = None
    response_format: Literal["b64_json"] | None = None
    output_format: Literal["png"] | None = None
    stream: Literal[False] | None = None


class ImageUrl(BaseModel):
    """URL of an image."""

    url: str


def _url_object(value: Any) -> Any:
    """Accepts the URL itself in place of an object, as several clients send it."""
    return {"url": value} if isinstance(value, str) else value


class MessagePart(BaseModel):
    """A part of a message: a text or an image."""

    type: Literal["text", "image_url"]
    text: str | None = None
    image_url: Annotated[ImageUrl | None, BeforeValidator(_url_object)] = None


def _form(value: Any) -> str:
    return "one" if isinstance(value, str) else "parts"


class Message(BaseModel):
    """One message of a chat."""

    role: Literal["system", "developer", "user"]
    content: Annotated[
        Annotated[str, Tag("one")]
        | Annotated[list[MessagePart], Field(fail_fast=True, max_length=MAX_PARTS), Tag("parts")],
        Discriminator(_form),
    ]

    @property
    def parts(self) -> list[MessagePart]:
        """The parts; a plain text is one part."""
        return [MessagePart(type="text", text=self.content)] if isinstance(self.content, str) else self.content


class ChatRequest(_ModelRequest):
    """`POST /v1/chat/completions`: one image and an optional instruction."""

    messages: Annotated[list[Message], Field(fail_fast=True, min_length=1, max_length=MAX_MESSAGES)]
    n: Literal[1] | None = None
    seed: Seed | None = None
    stream: bool | None = None

    @property
    def task(self) -> str:
        """The instruction: the texts of all messages."""
        texts = [part.text or "" for message in self.messages for part in message.parts if part.type == "text"]
        return "\n".join(text.strip() for text in texts if text.strip())

    @property
    def address(self) -> str:
        """The URL of the image.

        Raises:
            ApiError: there is not exactly one image, or the text is too long.
        """
        shown = [part.image_url for message in self.messages for part in message.parts if part.image_url is not None]
        if len(shown) != 1:
            raise bad_request(f"The messages contain {len(shown)} images; send one, as a part of type image_url.")
        if len(self.task) > MAX_TEXT:
            raise bad_request(f"The messages contain more than {MAX_TEXT} characters of text; shorten them.")
        return shown[0].url


def _reject_tokens(value: Any) -> Any:
    first = value[0] if isinstance(value, list) and value else None
    if isinstance(first, int | list) and not isinstance(first, bool):
        raise PydanticCustomError(
            "token_ids",
            "token ids are not read here; send texts (LangChain: OpenAIEmbeddings(check_embedding_ctx_length=False))",
        )
    return value


class EmbeddingRequest(_ModelRequest):
    """`POST /v1/embeddings`."""

    input: Annotated[
        Annotated[Text, Tag("one")]
        | Annotated[list[Text], Field(fail_fast=True, min_length=1, max_length=MAX_TEXTS), Tag("parts")],
        Discriminator(_form),
        BeforeValidator(_reject_tokens),
    ]
    encoding_format: Literal["float", "base64"] | None = None
    dimensions: Annotated[int, Field(ge=1)] | None = None

    @property
    def texts(self) -> list[str]:
        """The texts in order."""
        return [self.input] if isinstance(self.input, str) else self.input


def read_image(address: str) -> Image.Image:
    """Returns the image of a `data:` URL in RGB, upright and without metadata.

    Raises:
        ApiError: it is not a `data:` URL, cannot be decoded, or has too many pixels.
    """
    if not address[:5].lower() == "data:":
        raise bad_request("This server downloads no images; send the image itself, as data:image/png;base64,…")
    try:
        data = data_url_bytes(address)
        check_pixels(data)
        return decode_image(data)
    except ModelError as error:
        raise bad_request(str(error), "invalid_image") from error


def check_pixels(data: bytes) -> None:
    """Checks the size that an image file declares, without decoding it.

    Raises:
        ApiError: it has more than `MAX_PIXELS` pixels. Other defects are found when it is decoded.
    """
    import io
    import warnings

    with own_filters():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        try:
            with Image.open(
                io.BytesIO(without_metadata(data)), formats=("PNG", "JPEG", "WEBP", "GIF", "AVIF")
            ) as opened:
                width, height = opened.size
        except Image.DecompressionBombError:
            width = height = MAX_PIXELS
        except (OSError, SyntaxError, ValueError):
            return
    if width * height > MAX_PIXELS:
        raise ApiError(413, f"The image has more than {MAX_PIXELS} pixels; make it smaller.", "image_too_large")
