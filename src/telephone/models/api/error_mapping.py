"""Maps HTTP statuses and exceptions of client libraries to refusals, permanent failures and retryable failures."""

import contextlib
import math
import time
from collections.abc import Iterator, Mapping
from email.utils import parsedate_to_datetime
from typing import Any

from telephone.core.errors import KeyRejected, ModelError, ModelRefused, ModelUnavailable, NoCredit, UsageError
from telephone.models.api.error_body import ErrorBody, parse_error, reported_error

RETRYABLE = {408, 409, 425, 429}
"""Statuses below 500 after which a call may be retried."""
_UNBILLED = {425, 429}
"""Statuses with which a provider declines a call before it starts any work."""

_ADVICE = {
    401: "check the key",
    402: "buy credit or raise the limit of the account, then resume",
    403: "ask the provider whether this key may use this model",
    404: "check the name of the model and the address of the server",
    429: "wait, or lower flight= and per_minute=",
}
_TIMEOUTS = {"TimeoutException", "TimeoutError", "APITimeoutError", "InferenceTimeoutError"}
_CONNECTION_ERRORS = {"TransportError", "ConnectionError", "APIConnectionError"}
_DECODING_ERRORS = {
    "JSONDecodeError",
    "APIResponseValidationError",
    "UnicodeDecodeError",
    "DecodingError",
    "UnidentifiedImageError",
}


def from_status(label: str, status: int, body: object, headers: Mapping[str, str]) -> ModelError:
    """Returns the error for an HTTP response with a status of 300 or more.

    Args:
        label: model and host, for the message.
        status: HTTP status.
        body: the response as text, bytes or decoded JSON.
        headers: of the response; `retry-after` sets the delay before a retry.
    """
    error = parse_error(body)
    if 300 <= status < 400:
        return ModelError(
            f"{label} redirects ({status}); requests with a key follow no redirects: use the final address."
        )
    return _model_error(f"{label} returns {status}", status, error, headers)


def from_reported(label: str, response: object) -> ModelError | None:
    """Returns the error inside a response whose HTTP status says success, None if there is none.

    It has the outcome that the same error would have with the HTTP status that it names.

    Args:
        label: model and host, for the message.
        response: decoded JSON, or an object of a client library with the same fields.
    """
    error = reported_error(response)
    if error is None:
        return None
    event = f"{label} reports error {error.status}" if error.status else f"{label} reports an error"
    return _model_error(event, error.meaning(), error, {})


def _model_error(event: str, status: int, error: ErrorBody, headers: Mapping[str, str]) -> ModelError:
    without_credit = status == 402 or (status < 500 and error.out_of_credit)
    advice = _ADVICE.get(402 if without_credit else status, "")
    message = event + (f" ({error.code})" if error.code else "") + (f": {error.message}" if error.message else "")
    message = message.rstrip(".") + (f"; {advice}." if advice else ".")
    if without_credit:
        return NoCredit(message)
    if status in (400, 403, 422, 451) and error.refused:
        return ModelRefused(message)
    if status in RETRYABLE or status >= 500:
        return ModelUnavailable(message, retry_after(headers), cost=0.0 if status in _UNBILLED else None)
    return KeyRejected(message) if status == 401 else ModelError(message)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Returns the delay in seconds that the provider requests before a retry, None if it requests none."""
    low = {name.lower(): value for name, value in headers.items()}
    if (exact := _seconds(low.get("retry-after-ms"))) is not None:
        return exact / 1000
    value = low.get("retry-after")
    if value is None or (seconds := _seconds(value)) is not None:
        return None if value is None else seconds
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except (ValueError, TypeError, OverflowError):
        return None


@contextlib.contextmanager
def mapped_errors(label: str) -> Iterator[None]:
    """Converts exceptions of client libraries to `ModelError`s, without their messages, which may contain a header.

    Raises:
        ModelError: or a subclass, for every exception except `UsageError`.
    """
    try:
        yield
    except UsageError:
        raise
    except Exception as error:  # noqa: BLE001 - three libraries raise many types, and none of their messages is safe
        raise from_exception(label, error) from None


def from_exception(label: str, error: BaseException) -> ModelError:
    """Returns the `ModelError` for an exception of a client library."""
    own = next((each for each in _chain(error) if isinstance(each, ModelError)), None)
    if own is not None:
        return own
    response: Any = getattr(error, "response", None)
    status = getattr(response, "status_code", None)
    if isinstance(status, int) and status >= 300:
        return from_status(label, status, _body(error, response), response.headers)
    names = {cls.__name__ for cls in type(error).__mro__}
    if names & _TIMEOUTS:
        return ModelUnavailable(f"{label} did not respond in time: raise timeout=, or try again later.")
    if names & _DECODING_ERRORS:
        return ModelUnavailable(
            f"The response of {label} is truncated, or is not JSON or not an image: try again later."
        )
    if names & _CONNECTION_ERRORS:
        return ModelUnavailable(
            f"The connection to {label} was lost or refused: check the address, or try again later."
        )
    return ModelError(f"The response of {label} cannot be used ({type(error).__name__}).")


def _chain(error: BaseException) -> Iterator[BaseException]:
    current: BaseException | None = error
    while current is not None:
        yield current
        current = current.__cause__ or current.__context__


def _body(error: BaseException, response: Any) -> object:
    body = getattr(error, "body", None)
    if body is not None:
        return body
    try:
        return response.text
    except Exception:  # noqa: BLE001 - an unread response has no text; each library raises its own type
        return None


def _seconds(value: str | None) -> float | None:
    try:
        seconds = float(value) if value is not None else math.nan
    except ValueError:
        return None
    return seconds if 0 <= seconds < math.inf else None
