"""A small client of Replicate's HTTP interface: create a prediction, wait for it, call it off when it takes long."""

import re
import time
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from telephone.core.errors import ModelError, ModelRefused, ModelUnavailable
from telephone.models.api.error_mapping import from_status, is_refusal, told
from telephone.models.api.http_client import connect
from telephone.models.api.keys import Key
from telephone.models.api.sanitize import said

if TYPE_CHECKING:
    import httpx2

OWN = "https://api.replicate.com/v1"
WAIT = 60
"""Seconds that the service itself waits before it answers, at most."""
PATIENCE = 15.0
"""Seconds beyond that for an answer to arrive."""
POLLS = (0.25, 0.5, 1.0, 2.0)
"""Seconds between two questions whether it is done; the last one again and again."""

_DONE = {"succeeded", "failed", "canceled", "aborted"}


@dataclass(frozen=True)
class Predictions:
    """The service at one address; safe to share between threads."""

    who: str
    """The player, for messages."""
    url: str
    key: Key | None
    seconds: float
    """For one prediction, from its creation to its end."""
    local: bool = False
    """Whether the service is this machine."""

    def run(self, model: str, given: dict[str, Any]) -> dict[str, Any]:
        """Returns a finished prediction.

        Args:
            model: `OWNER/MODEL` or `OWNER/MODEL:VERSION`.
            given: the inputs of the model by name.

        Raises:
            ModelRefused: the model declined because of what it was shown or what it made.
            ModelUnavailable: the service failed, or it took too long and was called off.
            ModelError: the service answers that this cannot be, or the model failed.
        """
        deadline = time.monotonic() + self.seconds
        name, _, version = model.partition(":")
        path = "/predictions" if version else f"/models/{name}/predictions"
        body = {"input": given, **({"version": version} if version else {})}
        wait = max(1, min(WAIT, int(self.seconds)))
        headers = {"prefer": f"wait={wait}", "cancel-after": f"{max(5, int(self.seconds))}s"}
        made = self._call("POST", path, json=body, headers=headers)
        return self._finished(self._wait(made, deadline))

    def upload(self, data: bytes) -> tuple[str, str]:
        """Returns id and address of a PNG file that was put where models can read it, for a day at most."""
        made = self._call("POST", "/files", files={"content": ("picture.png", data, "image/png")})
        urls = made.get("urls")
        address = urls.get("get") if isinstance(urls, dict) else None
        if not isinstance(address, str):
            raise ModelError(f"{self.who} took a picture and does not say where it lies.")
        return _id(made, self.who), address

    def delete(self, file: str) -> None:
        """Takes an uploaded file away; if that fails, the service does it a day later."""
        self._quietly("DELETE", f"/files/{file}")

    def _wait(self, made: dict[str, Any], deadline: float) -> dict[str, Any]:
        """Asks again while it runs. A question that fails is asked again too: only creating costs money."""
        prediction, polls = _id(made, self.who), 0
        while made.get("status") not in _DONE:
            pause = POLLS[min(polls, len(POLLS) - 1)]
            if time.monotonic() + pause > deadline:
                self._quietly("POST", f"/predictions/{prediction}/cancel")
                raise ModelUnavailable(f"{self.who} took longer than {self.seconds:g} s and was called off.")
            time.sleep(pause)
            polls += 1
            try:
                made = self._call("GET", f"/predictions/{prediction}")
            except ModelUnavailable as error:
                time.sleep(min(error.retry_after or 0.0, max(0.0, deadline - time.monotonic())))
        return made

    def _finished(self, made: dict[str, Any]) -> dict[str, Any]:
        status, why = made.get("status"), said(made.get("error"))
        if status == "succeeded":
            return made
        if is_refusal(why):
            raise ModelRefused(f"{self.who} declines: {why.rstrip('.')}.")
        if status == "failed":
            raise ModelError(f"{self.who} failed: {why.rstrip('.') or 'it does not say why'}.")
        raise ModelUnavailable(f"{self.who} was called off before it was done ({status}): raise timeout=.")

    def _call(self, method: str, path: str, **sent: Any) -> dict[str, Any]:
        with told(self.who):
            response = self._http.request(method, self.url + path, **sent)
            if response.status_code >= 300:
                raise from_status(self.who, response.status_code, response.text, response.headers)
            found = response.json()
        if not isinstance(found, dict):
            raise ModelUnavailable(f"{self.who} answers with something that is not a prediction: try again later.")
        return found

    def _quietly(self, method: str, path: str) -> None:
        """For tidying up: that the service cannot be reached has been told already, or is told by the next call."""
        try:
            with told(self.who):
                self._http.request(method, self.url + path)
        except ModelError:
            return

    @cached_property
    def _http(self) -> "httpx2.Client":
        headers = {"authorization": f"Bearer {self.key.reveal()}"} if self.key else {}
        return connect(min(self.seconds, float(WAIT)) + PATIENCE, self.local, headers=headers)


def _id(made: dict[str, Any], who: str) -> str:
    """The address of a prediction is built here from its id: one that came in an answer would be sent our key."""
    name = made.get("id")
    if not isinstance(name, str) or not re.fullmatch(r"[\w-]{1,80}", name):
        raise ModelError(f"{who} answers without the id of what it has begun.")
    return name
