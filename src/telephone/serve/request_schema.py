"""What clients may ask, as OpenAI's interface writes it; fields that nobody here could obey are left unread."""

from typing import Annotated, Any, Literal

from PIL import Image
from pydantic import BaseModel, ConfigDict, Field

from telephone.core.errors import ModelError
from telephone.core.images import own_filters
from telephone.models.api.sanitize import embedded, picture
from telephone.serve.error_responses import Fault, wrong

MAX_TEXT = 32_000
"""Characters of one text."""
MAX_PIXELS = 16_000_000
"""Pixels of a picture."""
MAX_TEXTS = 2048
"""Texts of one request for vectors."""
MAX_PICTURES = 10

Text = Annotated[str, Field(min_length=1, max_length=MAX_TEXT)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]
Size = Annotated[str, Field(pattern=r"^(auto|[1-9]\d{0,4}x[1-9]\d{0,4})$")]


class _Ask(BaseModel):
    """Every request names a model; whole numbers are not made of texts or of halves."""

    model_config = ConfigDict(strict=True, extra="ignore")

    model: Annotated[str, Field(min_length=1, max_length=500)]


class PicturesAsk(_Ask):
    """`POST /v1/images/generations`."""

    prompt: Text
    n: Annotated[int, Field(ge=1, le=MAX_PICTURES)] | None = None
    size: Size | None = None
    seed: Seed | None = None
    response_format: Literal["b64_json"] | None = None
    output_format: Literal["png"] | None = None
    stream: Literal[False] | None = None


class Shown(BaseModel):
    """Where a picture is."""

    url: str


class MessagePart(BaseModel):
    """A part of a message: a text or a picture."""

    type: Literal["text", "image_url"]
    text: str | None = None
    image_url: Shown | None = None


class Message(BaseModel):
    """One message of a chat."""

    role: Literal["system", "developer", "user"]
    content: str | list[MessagePart]

    @property
    def parts(self) -> list[MessagePart]:
        """The parts, a bare text being one."""
        return [MessagePart(type="text", text=self.content)] if isinstance(self.content, str) else self.content


class ChatAsk(_Ask):
    """`POST /v1/chat/completions`: one picture and, if it is wanted, a request in words."""

    messages: Annotated[list[Message], Field(min_length=1, max_length=16)]
    n: Literal[1] | None = None
    seed: Seed | None = None
    stream: bool | None = None

    @property
    def task(self) -> str:
        """The request in words, of all messages together."""
        texts = [part.text or "" for message in self.messages for part in message.parts if part.type == "text"]
        return "\n".join(text.strip() for text in texts if text.strip())

    @property
    def address(self) -> str:
        """Where the one picture is.

        Raises:
            Fault: there is none, or more than one, or the words are too many.
        """
        shown = [part.image_url for message in self.messages for part in message.parts if part.image_url is not None]
        if len(shown) != 1:
            raise wrong(f"The messages show {len(shown)} pictures; show one, as a part of the type image_url.")
        if len(self.task) > MAX_TEXT:
            raise wrong(f"The messages hold more than {MAX_TEXT} characters of text; shorten them.")
        return shown[0].url


class VectorsAsk(_Ask):
    """`POST /v1/embeddings`."""

    input: Text | Annotated[list[Text], Field(min_length=1, max_length=MAX_TEXTS)]
    encoding_format: Literal["float", "base64"] | None = None
    dimensions: Annotated[int, Field(ge=1)] | None = None

    @property
    def texts(self) -> list[str]:
        """The texts in order."""
        return [self.input] if isinstance(self.input, str) else self.input


def read_picture(address: str) -> Image.Image:
    """Returns the picture of a `data:` address in RGB, upright and without metadata.

    Raises:
        Fault: it is on another machine, is none, or has too many pixels.
    """
    if not address[:5].lower() == "data:":
        raise wrong("This server fetches no pictures; send the picture itself, as data:image/png;base64,…")
    try:
        data = embedded(address)
        check_pixels(data)
        return picture(data)
    except ModelError as error:
        # The check was written for answers; what is read here is a question.
        raise wrong(str(error).replace("The answer", "The request", 1), "invalid_image") from error


def check_pixels(data: bytes) -> None:
    """Reads the head of a picture's file.

    Raises:
        Fault: it has more than `MAX_PIXELS` pixels; whatever else is wrong shows when it is decoded.
    """
    import io
    import warnings

    with own_filters():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        try:
            with Image.open(io.BytesIO(data), formats=("PNG", "JPEG", "WEBP", "GIF")) as opened:
                width, height = opened.size
        except Image.DecompressionBombError:
            width = height = MAX_PIXELS
        except (OSError, SyntaxError, ValueError):
            return
    if width * height > MAX_PIXELS:
        raise Fault(413, f"The picture has more than {MAX_PIXELS} pixels; make it smaller.", "image_too_large")


def explain(errors: list[Any]) -> Fault:
    """Returns the fault for a body that does not fit, from what the validator found; values are not quoted."""
    first = errors[0]
    where = ".".join(str(step) for step in first["loc"] if step != "body")
    what = str(first["msg"]).rstrip(".")
    if first["type"] == "json_invalid":
        return wrong('The body is not JSON; send an object such as {"model": …}.', "invalid_json")
    return wrong(f"{where or 'The body'}: {what}.")
