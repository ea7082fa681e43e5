"""Reads the error in a provider's response: its code, its message and the HTTP status that it stands for.

Gateways and several servers send errors with status 200, so the status of the response alone does not tell an answer
from an error.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from telephone.models.api.sanitize import provider_message

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
"""Parts of error codes and messages that indicate a refusal by content rules."""
_NO_CREDIT = (
    "insufficient_quota",
    "billing_hard_limit",
    "billing hard limit",
    "billing_not_active",
    "insufficient_credit",
    "insufficient credit",
    "insufficient_balance",
    "insufficient balance",
    "insufficient funds",
    "payment_required",
    "credit balance is too low",
)
"""Parts of error codes and messages of an account without credit; waiting does not help."""
_RATE = ("rate_limit", "rate limit", "too_many_requests", "too many requests", "resource_exhausted", "slow down")
_KEY = ("invalid_api_key", "authentication_error", "invalid api key")
_PASSING = (
    "overloaded",
    "over capacity",
    "at capacity",
    "high demand",
    "unavailable",
    "try again",
    "please retry",
    "temporarily",
    "interrupted",
    "timeout",
    "timed out",
    "server_error",
    "internal_error",
    "bad gateway",
    "upstream",
)
"""Parts of error codes and messages after which a call may be repeated."""
_MEANINGS = ((402, _NO_CREDIT), (429, _RATE), (401, _KEY), (503, _PASSING))


@dataclass(frozen=True)
class ErrorBody:
    """What an error in a response says."""

    code: str = ""
    """The provider's code, such as `rate_limit_exceeded`; empty if it gives none."""
    message: str = ""
    """Its message: one clean line without keys."""
    status: int | None = None
    """The HTTP status that the error names, None if it names none."""

    @property
    def refused(self) -> bool:
        """Whether it indicates a refusal by content rules."""
        return is_refusal(self.code, self.message)

    @property
    def out_of_credit(self) -> bool:
        """Whether the account has no credit left, whatever the status."""
        return _says(_NO_CREDIT, self.code, self.message)

    def meaning(self) -> int:
        """Returns the HTTP status that the error stands for: the one it names, else one by its words, else 400."""
        found = [status for status, signs in _MEANINGS if _says(signs, self.code, self.message)]
        return self.status or (found[0] if found else 400)


def is_refusal(*texts: str) -> bool:
    """Returns whether an error code or message indicates a refusal by content rules."""
    return _says(_REFUSALS, *texts)


def is_passing(*texts: str) -> bool:
    """Returns whether an error code or message says that the same call may succeed later."""
    return _says((*_RATE, *_PASSING), *texts)


def parse_error(body: object) -> ErrorBody:
    """Returns the error in a body, from the fields that OpenAI, Replicate, the hub, gateways and Google use.

    Args:
        body: the response as text, bytes or decoded JSON.
    """
    if isinstance(body, str | bytes):
        try:
            body = json.loads(body)
        except (ValueError, RecursionError):
            raw = body.decode(errors="replace") if isinstance(body, bytes) else str(body)
            return ErrorBody(message="" if raw.lstrip().startswith("<") else provider_message(raw))
    if isinstance(body, list) and body and isinstance(body[0], dict):
        body = body[0]
    inner = body.get("error") or body if isinstance(body, dict) else body
    if not isinstance(inner, dict):
        return ErrorBody(message=provider_message(inner))
    message = next((inner[key] for key in ("message", "detail", "error", "title") if inner.get(key)), "")
    text = message if isinstance(message, str) else json.dumps(message, default=str)
    words = [provider_message(inner.get(key), 60) for key in ("code", "status", "type")]
    return ErrorBody(
        next((word for word in words if word and not word.isdecimal()), ""), provider_message(text), _status(inner)
    )


def reported_error(response: Any) -> ErrorBody | None:
    """Returns the error in a response whose HTTP status says success, None if there is none.

    Args:
        response: decoded JSON, or an object of a client library with the same fields.
    """
    response = response[0] if isinstance(response, list) and response else response
    if error := _field(response, "error"):
        return parse_error({"error": error})
    content = [_field(response, name) for name in ("choices", "data")]
    texts = {name: _field(response, name) for name in ("message", "detail", "code", "type")}
    if _field(response, "object") == "error" or (not any(content) and (texts["message"] or texts["detail"])):
        return parse_error(texts)
    choice = content[0][0] if isinstance(content[0], list) and content[0] else None
    if error := _field(choice, "error"):
        return parse_error({"error": error})
    if _field(choice, "finish_reason") == "error":
        return ErrorBody("finish_reason error", "the answer was broken off", 502)
    return None


def _status(inner: Mapping[str, Any]) -> int | None:
    for value in (inner.get("code"), inner.get("status")):
        number = int(value) if isinstance(value, str) and value.isdecimal() and len(value) == 3 else value
        if isinstance(number, int) and 400 <= number < 600:
            return number
    return None


def _field(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, dict) else getattr(value, name, None)


def _says(signs: tuple[str, ...], *texts: str) -> bool:
    return any(sign in text.lower() for text in texts for sign in signs)
