"""Error responses in OpenAI's format: status, type, code and one sentence."""

import re
from dataclasses import dataclass
from typing import Any

from telephone.core.errors import ModelError, ModelRefused, ModelUnavailable
from telephone.core.redaction import redact

_TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}
MAX_MESSAGE = 500
_ADDRESS = re.compile(
    r"\b[a-z][a-z0-9+.-]*://[^\s'\"<>)]+"  # a URL
    r"|\[[0-9a-f:.]*:[0-9a-f:.]*\](?::\d+)?|\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?"  # an IP address
    r"|\b(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}(?::\d+)?\b|\b[a-z0-9-]+:\d{2,5}\b|\blocalhost\b"  # a host
    r"|(?<![\w.])(?:~|[a-z]:)?(?:[/\\][\w.@ -]+){2,}",  # a path
    re.IGNORECASE,
)


@dataclass
class ApiError(Exception):
    """An error that ends a request."""

    status: int
    """HTTP status. 4xx except 429: the same request fails again; 5xx and 429: it may succeed later."""
    message: str
    code: str
    retry_after: float | None = None
    """Seconds after which to retry."""

    @property
    def document(self) -> dict[str, Any]:
        """The body of the response."""
        kind = _TYPES.get(self.status, "server_error" if self.status >= 500 else "invalid_request_error")
        return {"error": {"message": self.message, "type": kind, "param": None, "code": self.code}}

    @property
    def headers(self) -> dict[str, str]:
        """Additional headers of the response."""
        if self.status == 401:
            return {"www-authenticate": "Bearer"}
        return {} if self.retry_after is None else {"retry-after": f"{self.retry_after:g}"}


def bad_request(message: str, code: str = "invalid_value") -> ApiError:
    """Returns the error for a request that is invalid."""
    return ApiError(400, message, code)


def without_addresses(message: str) -> str:
    """Returns a message with `[address]` in place of URLs, hosts, IP addresses and paths.

    They are for the operator of the server, whose log has the whole message.
    """
    return _ADDRESS.sub("[address]", message)


def from_model_error(name: str, error: ModelError) -> ApiError:
    """Returns the error for a failure of a model: refused, retryable, or permanent.

    A permanent failure is 422 and not 500, because clients retry after 500.
    """
    message = without_addresses(redact(str(error)))[:MAX_MESSAGE]
    if isinstance(error, ModelRefused):
        return ApiError(400, message, "content_policy_violation")
    if isinstance(error, ModelUnavailable):
        return ApiError(503, message, "model_unavailable", error.retry_after)
    return ApiError(422, f"{name} failed: {message}", "model_failed")
