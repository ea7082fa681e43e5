"""HTTP client of Replicate: creates a prediction, polls it, and cancels it after the timeout."""

import re
import time
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from telephone.core.errors import ModelError, ModelRefused, ModelUnavailable
from telephone.models.api.error_body import is_passing, is_refusal
from telephone.models.api.error_mapping import from_status, mapped_errors
from telephone.models.api.http_client import create_client
from telephone.models.api.keys import Key
from telephone.models.api.sanitize import provider_message

if TYPE_CHECKING:
    import httpx2

OFFICIAL_URL = "https://api.replicate.com/v1"
MAX_SERVER_WAIT = 60
"""Maximum seconds that the service holds a request open before it responds."""
RESPONSE_MARGIN = 15.0
"""Seconds beyond that until a response must have arrived."""
POLL_INTERVALS = (0.25, 0.5, 1.0, 2.0)
"""Seconds between two polls; the last one repeats."""

_PASSING_CODE = re.compile(r"\bcode: PA\b|\bE(?:003|004|6716|8765)\b")
"""Codes in the error of a failed prediction that the service asks to repeat."""
_FINISHED = {"succeeded", "failed", "canceled", "aborted"}


@dataclass(frozen=True)
class ReplicateClient:
    """Client of the service at one URL; several threads may share it."""

    label: str
    """Model and host, for messages."""
    url: str
    key: Key | None
    seconds: float
    """Deadline of one prediction, from its creation to its end."""
    local: bool = False
    """Whether the service runs on this machine."""

    def run(self, model: str, inputs: dict[str, Any]) -> dict[str, Any]:
        """Returns a finished prediction.

        Args:
            model: `OWNER/MODEL` or `OWNER/MODEL:VERSION`.
            inputs: the inputs of the model by name.

        Raises:
            ModelRefused: the model declined the input or its own output by a content rule.
            ModelUnavailable: the service failed, or the prediction exceeded the timeout and was cancelled.
            ModelError: the service rejects the request, or the model failed.
        """
        deadline = time.monotonic() + self.seconds
        name, _, version = model.partition(":")
        path = "/predictions" if version else f"/models/{name}/predictions"
        body = {"input": inputs, **({"version": version} if version else {})}
        wait = max(1, min(MAX_SERVER_WAIT, int(self.seconds)))
        headers = {"prefer": f"wait={wait}", "cancel-after": f"{max(5, int(self.seconds))}s"}
        prediction = self._request("POST", path, json=body, headers=headers)
        return self._checked(self._poll(prediction, deadline))

    def upload(self, data: bytes) -> tuple[str, str]:
        """Uploads a PNG file, which the service keeps for at most a day; returns its id and its URL."""
        response = self._request("POST", "/files", files={"content": ("picture.png", data, "image/png")})
        urls = response.get("urls")
        url = urls.get("get") if isinstance(urls, dict) else None
        if not isinstance(url, str):
            raise ModelError(f"The response of {self.label} has no URL of the uploaded image.")
        return _id(response, self.label), url

    def delete(self, file: str) -> None:
        """Deletes an uploaded file; if that fails, the service deletes it after a day."""
        self._request_ignoring_errors("DELETE", f"/files/{file}")

    def _poll(self, prediction: dict[str, Any], deadline: float) -> dict[str, Any]:
        """Polls until the prediction is finished; a failed poll is repeated, since only the creation costs money."""
        prediction_id, polls = _id(prediction, self.label), 0
        while prediction.get("status") not in _FINISHED:
            pause = POLL_INTERVALS[min(polls, len(POLL_INTERVALS) - 1)]
            if time.monotonic() + pause > deadline:
                self._request_ignoring_errors("POST", f"/predictions/{prediction_id}/cancel")
                raise ModelUnavailable(f"{self.label} took longer than {self.seconds:g} s and was cancelled.")
            time.sleep(pause)
            polls += 1
            try:
                prediction = self._request("GET", f"/predictions/{prediction_id}")
            except ModelUnavailable as error:
                time.sleep(min(error.retry_after or 0.0, max(0.0, deadline - time.monotonic())))
        return prediction

    def _checked(self, prediction: dict[str, Any]) -> dict[str, Any]:
        status, reason = prediction.get("status"), provider_message(prediction.get("error"))
        if status == "succeeded":
            return prediction
        if is_refusal(reason):
            raise ModelRefused(f"{self.label} declines: {reason.rstrip('.')}.")
        if status == "failed" and (is_passing(reason) or _PASSING_CODE.search(reason)):
            raise ModelUnavailable(f"{self.label} did not finish: {reason.rstrip('.')}.")
        if status == "failed":
            raise ModelError(f"{self.label} failed: {reason.rstrip('.') or 'no reason given'}.")
        raise ModelUnavailable(f"{self.label} was cancelled before it was finished ({status}): raise timeout=.")

    def _request(self, method: str, path: str, **arguments: Any) -> dict[str, Any]:
        with mapped_errors(self.label):
            response = self._http.request(method, self.url + path, **arguments)
            if response.status_code >= 300:
                raise from_status(self.label, response.status_code, response.text, response.headers)
            found = response.json()
        if not isinstance(found, dict):
            raise ModelUnavailable(f"The response of {self.label} is not a prediction: try again later.")
        return found

    def _request_ignoring_errors(self, method: str, path: str) -> None:
        """For clean-up; a lost connection is reported by the call itself or by the next one."""
        try:
            with mapped_errors(self.label):
                self._http.request(method, self.url + path)
        except ModelError:
            return

    @cached_property
    def _http(self) -> "httpx2.Client":
        headers = {"authorization": f"Bearer {self.key.reveal()}"} if self.key else {}
        return create_client(min(self.seconds, float(MAX_SERVER_WAIT)) + RESPONSE_MARGIN, self.local, headers=headers)


def _id(response: dict[str, Any], label: str) -> str:
    """Returns the id from which URLs are built; a URL from the response is not used, since it would receive the key."""
    value = response.get("id")
    if not isinstance(value, str) or not re.fullmatch(r"[\w-]{1,80}", value):
        raise ModelError(f"The response of {label} has no valid id.")
    return value
