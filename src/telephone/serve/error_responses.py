"""What a client is told when something is wrong, in OpenAI's words: a status, a type, a code and one sentence."""

from dataclasses import dataclass
from typing import Any

from telephone.core.errors import ModelError, ModelRefused, ModelUnavailable
from telephone.core.redaction import redact

_TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}
MAX_MESSAGE = 500


@dataclass
class Fault(Exception):
    """Ends a request."""

    status: int
    """Of HTTP. 4xx says that the same request goes wrong again, but for 429; 5xx that it may go well later."""
    message: str
    code: str
    retry_after: float | None = None
    """Seconds after which to ask again."""

    @property
    def document(self) -> dict[str, Any]:
        """The body of the answer."""
        kind = _TYPES.get(self.status, "server_error" if self.status >= 500 else "invalid_request_error")
        return {"error": {"message": self.message, "type": kind, "param": None, "code": self.code}}

    @property
    def headers(self) -> dict[str, str]:
        """The headers of the answer beside the usual ones."""
        if self.status == 401:
            return {"www-authenticate": "Bearer"}
        return {} if self.retry_after is None else {"retry-after": f"{self.retry_after:g}"}


def wrong(message: str, code: str = "invalid_value") -> Fault:
    """Returns the fault of a request that cannot be carried out as it stands."""
    return Fault(400, message, code)


def from_player(name: str, error: ModelError) -> Fault:
    """Returns what a client is told about a player's failure: refused, worth asking again, or for good.

    A failure for good is told as 422 and not as 500, because clients repeat a call after 500.
    """
    said = redact(str(error))[:MAX_MESSAGE]
    if isinstance(error, ModelRefused):
        return Fault(400, said, "content_policy_violation")
    if isinstance(error, ModelUnavailable):
        return Fault(503, said, "player_unavailable", error.retry_after)
    return Fault(422, f"{name} failed: {said}", "player_failed")
