"""From what went wrong at a provider to one of three outcomes: refused, for good, or worth asking again."""

import contextlib
import json
import math
import time
from collections.abc import Iterator, Mapping
from email.utils import parsedate_to_datetime
from typing import Any

from telephone.core.errors import KeyRejected, ModelError, ModelRefused, ModelUnavailable, UsageError
from telephone.models.api.sanitize import said

PASSING = {402, 408, 409, 425, 429}
"""Statuses below 500 after which a call may be tried again: 402 too, as credit can be bought and the run resumed."""

_UNBILLED = {402, 425, 429}
"""Statuses with which a provider declines a call before it starts any work."""

_REFUSALS = (
    "moderation_blocked",
    "content_policy",
    "content_filter",
    "content policy",
    "content management policy",
    "responsibleaipolicyviolation",
    "safety system",
    "safety_violation",
    "nsfw",
    "flagged as sensitive",
)
"""Parts of the codes and messages with which providers decline for what a text or picture shows."""
_ADVICE = {
    401: "check the key",
    402: "buy credit, then resume",
    403: "ask the provider whether this key may use this model",
    404: "check the name of the model and the address of the server",
    429: "wait, or lower flight= and per_minute=",
}
_LATE = {"TimeoutException", "TimeoutError", "APITimeoutError", "InferenceTimeoutError"}
_LOST = {"TransportError", "ConnectionError", "APIConnectionError"}
_GARBLED = {
    "JSONDecodeError",
    "APIResponseValidationError",
    "UnicodeDecodeError",
    "DecodingError",
    "UnidentifiedImageError",
}


def from_status(who: str, status: int, body: object, headers: Mapping[str, str]) -> ModelError:
    """Returns the error for an answer with an HTTP status of 300 or more.

    Args:
        who: the provider and its machine, for the message.
        status: of HTTP.
        body: the answer as text, bytes or what its JSON holds.
        headers: of the answer; `retry-after` is obeyed.
    """
    code, message = _words(body)
    told = f"{who} answers {status}" + (f" ({code})" if code else "") + (f": {message}" if message else "")
    told = told.rstrip(".") + (f"; {_ADVICE[status]}." if status in _ADVICE else ".")
    if status in (400, 403, 422, 451) and is_refusal(code, message):
        return ModelRefused(told)
    if status in PASSING or status >= 500:
        return ModelUnavailable(told, retry_after(headers), cost=0.0 if status in _UNBILLED else None)
    if status == 401:
        return KeyRejected(told)
    if 300 <= status < 400:
        return ModelError(f"{who} redirects ({status}), which is not followed with a key: use the final address.")
    return ModelError(told)


def is_refusal(*words: str) -> bool:
    """Returns whether a provider's words say that it declines because of its content rules."""
    return any(sign in word.lower() for word in words for sign in _REFUSALS)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Returns the seconds after which the provider wants to be asked again, None if it does not say."""
    low = {name.lower(): value for name, value in headers.items()}
    if (exact := _number(low.get("retry-after-ms"))) is not None:
        return exact / 1000
    value = low.get("retry-after")
    if value is None or (seconds := _number(value)) is not None:
        return None if value is None else seconds
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except (ValueError, TypeError, OverflowError):
        return None


@contextlib.contextmanager
def told(who: str) -> Iterator[None]:
    """Turns whatever a client library raises into an error of ours, without its words: they may quote a header.

    Raises:
        ModelError: or one of its kinds, for everything that is not a `UsageError`.
    """
    try:
        yield
    except UsageError:
        raise
    except Exception as error:  # noqa: BLE001 - three libraries raise what they like, and none of it may carry a key
        raise translated(who, error) from None


def translated(who: str, error: BaseException) -> ModelError:
    """Returns the error of ours that stands for one of a client library."""
    ours = next((each for each in _chain(error) if isinstance(each, ModelError)), None)
    if ours is not None:
        return ours
    response: Any = getattr(error, "response", None)
    status = getattr(response, "status_code", None)
    if isinstance(status, int) and status >= 300:
        return from_status(who, status, _body(error, response), response.headers)
    names = {kind.__name__ for kind in type(error).__mro__}
    if names & _LATE:
        return ModelUnavailable(f"{who} did not answer in time: raise timeout=, or try again later.")
    if names & _GARBLED:
        return ModelUnavailable(
            f"{who} answers with something that is cut off, or is not JSON or no picture: try again later."
        )
    if names & _LOST:
        return ModelUnavailable(f"The connection to {who} was lost or refused: check the address, or try again later.")
    return ModelError(f"{who} gave an answer that cannot be used ({type(error).__name__}).")


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = seen.__cause__ or seen.__context__


def _body(error: BaseException, response: Any) -> object:
    body = getattr(error, "body", None)
    if body is not None:
        return body
    try:
        return response.text
    except Exception:  # noqa: BLE001 - a response that was never read has no text, and each library says so otherwise
        return None


def _words(body: object) -> tuple[str, str]:
    """Finds the code and the message where OpenAI, Replicate and the hub put them."""
    if isinstance(body, str | bytes):
        try:
            body = json.loads(body)
        except ValueError:
            raw = body.decode(errors="replace") if isinstance(body, bytes) else str(body)
            return "", "" if raw.lstrip().startswith("<") else said(raw)
    inner = body.get("error", body) if isinstance(body, dict) else body
    if not isinstance(inner, dict):
        return "", said(inner)
    message = next((inner[key] for key in ("message", "detail", "error", "title") if inner.get(key)), "")
    return said(inner.get("code"), 60), said(message if isinstance(message, str) else json.dumps(message, default=str))


def _number(value: str | None) -> float | None:
    try:
        seconds = float(value) if value is not None else math.nan
    except ValueError:
        return None
    return seconds if 0 <= seconds < math.inf else None
