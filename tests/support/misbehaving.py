"""A local server with the interfaces of OpenAI, Replicate and the hub; it produces faults on request.

It encodes a text in an image and decodes it, so that a game with it loses nothing. It counts complete successful
responses (`paid`), which a real provider would bill. To start it manually:
`python tests/support/misbehaving.py --rate 0.2`.
"""

import argparse
import base64
import json
import ssl
import threading
import time
import zlib
from collections import Counter, deque
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from provider_shapes import bomb, read, vectors

from telephone.core.images import encode_png
from telephone.core.seeds import derive
from telephone.models import barcode

PASSING = ("delay", "drop", "429", "500", "half", "html")
"""Retryable faults: delay, closed connection, rate limit, server error, truncated response, error page of a gateway."""
LASTING = ("400", "401", "leak", "404", "moderated", "refused", "filtered", "bomb", "svg", "noise", "private", "empty")
"""Permanent faults: rejected requests, one that quotes the key, three kinds of refusal, invalid responses."""


@dataclass
class Server:
    """Runs inside a `with` block; tests read its public fields."""

    rate: float = 0.0
    """Probability of one of `faults` a call, determined by the number of the call."""
    faults: tuple[str, ...] = PASSING
    seed: int = 0
    delay: float = 30.0
    """Seconds of the fault `delay`, after which the connection is closed."""
    latency: float = 0.0
    """Seconds before every response."""
    retry_after: str = "0"
    token: str = ""
    """If not empty, calls without this bearer token return 401."""
    links: bool = False
    """Whether images are returned as URLs instead of base64."""
    polls: int = 0
    """Number of polls until a prediction of Replicate is finished."""
    tls: ssl.SSLContext | None = None
    script: deque[str] = field(default_factory=deque)
    """Faults of the next calls, in order; `ok` is none."""
    redirects: dict[str, str] = field(default_factory=dict)
    """Redirected paths and their targets."""
    outages: dict[str, int] = field(default_factory=dict)
    """Paths and the number of times that they return 503 before they work."""
    pages: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    """Static paths with content type and content."""
    paid: Counter[str] = field(default_factory=Counter)
    """Complete successful responses by path."""
    fault_counts: Counter[str] = field(default_factory=Counter)
    """Number of faults by name; `ok` is none."""
    requests: list[dict[str, Any]] = field(default_factory=list)
    """Every request: method, path, headers, body."""
    predictions: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Created predictions by id."""
    in_flight: int = 0
    most_in_flight: int = 0
    """Maximum number of concurrent calls."""
    lock: Any = field(default_factory=threading.RLock)

    def __enter__(self) -> "Server":
        server = self

        class Handler(_Handler):
            owner = server

        self._http = _QuietHTTPServer(("127.0.0.1", 0), Handler)
        if self.tls is not None:
            self._http.socket = self.tls.wrap_socket(self._http.socket, server_side=True)
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    @property
    def port(self) -> int:
        return int(self._http.server_address[1])

    @property
    def url(self) -> str:
        """The base URL of all three interfaces."""
        return f"http{'s' if self.tls else ''}://127.0.0.1:{self.port}/v1"

    def next_fault(self) -> str:
        with self.lock:
            number = len(self.requests)
            if self.script:
                return self.script.popleft()
            if derive("chance", self.seed, number) / 2**32 >= self.rate:
                return "ok"
            return self.faults[derive("fault", self.seed, number) % len(self.faults)]


class _QuietHTTPServer(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 256

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignores clients that close the connection."""


class _Handler(BaseHTTPRequestHandler):
    owner: Server
    protocol_version = "HTTP/1.1"
    timeout = 60

    def log_message(self, *_: Any) -> None:
        """Prints nothing."""

    def do_GET(self) -> None:
        self._handle("GET")

    def do_DELETE(self) -> None:
        self._handle("DELETE")

    def do_POST(self) -> None:
        self._handle("POST")

    def _handle(self, method: str) -> None:
        owner = self.owner
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        with owner.lock:
            owner.in_flight += 1
            owner.most_in_flight = max(owner.most_in_flight, owner.in_flight)
        try:
            time.sleep(owner.latency)
            self._respond(method, body)
        finally:
            with owner.lock:
                owner.in_flight -= 1

    def _respond(self, method: str, body: bytes) -> None:
        owner = self.owner
        with owner.lock:
            owner.requests.append({"method": method, "path": self.path, "headers": dict(self.headers), "body": body})
            fault = owner.next_fault() if self._billed(method) else "ok"
            owner.fault_counts[fault] += 1
        if owner.outages.get(self.path):
            owner.outages[self.path] -= 1
            return self._json(503, {"error": {"message": "Come back later."}}, owner.retry_after)
        if self.path in owner.redirects:
            return self._send(302, b"", {"location": owner.redirects[self.path]})
        if self.path in owner.pages:
            kind, content = owner.pages[self.path]
            return self._send(200, content, {"content-type": kind})
        if owner.token and self.headers.get("authorization") != f"Bearer {owner.token}":
            given = self.headers.get("authorization", "")
            return self._json(
                401, {"error": {"message": f"Incorrect API key provided: {given}", "code": "invalid_api_key"}}
            )
        if self._send_fault(fault):
            return None
        return self._route(method, json.loads(body) if body[:1] == b"{" else {}, fault)

    def _billed(self, method: str) -> bool:
        return method == "POST" and not self.path.endswith("/cancel") and "/files" not in self.path

    def _send_fault(self, fault: str) -> bool:
        """Produces a fault that does not depend on the request; returns whether it did."""
        if fault in ("delay", "drop"):
            time.sleep(self.owner.delay if fault == "delay" else 0)
            self.close_connection = True
            self.connection.close()
        elif fault == "429":
            self._json(429, {"error": {"message": "Slow down.", "code": "rate_limit_exceeded"}}, self.owner.retry_after)
        elif fault == "leak":
            message = f"Incorrect API key provided: {self.headers.get('authorization', '')}"
            self._json(403, {"error": {"message": message, "code": "invalid_api_key"}})  # a 401 would end the run
        elif fault in ("400", "404", "401", "500"):
            self._json(int(fault), {"error": {"message": f"This is a {fault}."}})
        elif fault == "moderated":
            self._json(400, {"error": {"message": "Rejected by the safety system.", "code": "moderation_blocked"}})
        elif fault == "html":
            self._send(200, b"<html><body>Bad gateway</body></html>", {"content-type": "text/html"})
        else:
            return False
        return True

    def _route(self, method: str, given: dict[str, Any], fault: str) -> None:
        path = self.path.removeprefix("/v1")
        if path == "/images/generations":
            self._json_or_truncated(self._images(given, fault), fault)
        elif path.endswith("/chat/completions"):
            self._json_or_truncated(self._chat(given, fault), fault)
        elif path == "/embeddings":
            self._json_or_truncated(vectors(given), fault)
        elif path.startswith(("/predictions", "/models/")):
            self._json_or_truncated(self._prediction(method, path, given, fault), fault)
        elif path.startswith("/files"):
            self._json(200, {"id": "file1", "urls": {"get": f"{self.owner.url}/files/file1"}})
        elif "inputs" in given:
            self._hub(given)
        else:
            self._json(404, {"error": {"message": f"There is nothing at {path}."}})

    def _images(self, given: dict[str, Any], fault: str) -> dict[str, Any]:
        item = self._item(given["prompt"], fault)
        usage = {"input_tokens": len(given["prompt"].split()), "output_tokens": 1000, "total_tokens": 0}
        return {"created": 1, "data": [] if fault == "empty" else [item], "usage": usage}

    def _item(self, text: str, fault: str) -> dict[str, str]:
        odd = {"bomb": bomb(), "svg": b"<svg xmlns='http://www.w3.org/2000/svg'/>", "noise": b"\x89PNG\r\n\x1a\nnoise"}
        data = odd.get(fault) or encode_png(barcode.draw(text.encode()))
        if fault == "private":
            return {"url": "https://10.0.0.1/picture.png"}
        if self.owner.links:
            return {"url": self._link(data)}
        return {"b64_json": base64.b64encode(data).decode()}

    def _link(self, data: bytes) -> str:
        path = f"/pictures/{zlib.crc32(data):08x}.png"
        self.owner.pages[path] = ("image/png", data)
        return self.owner.url.removesuffix("/v1") + path

    def _chat(self, given: dict[str, Any], fault: str) -> dict[str, Any]:
        parts = given["messages"][0]["content"]
        url = next(part["image_url"]["url"] for part in parts if part["type"] == "image_url")
        content: str | None = read(url)
        content = {"empty": "", "filtered": None, "refused": None}.get(fault, content)
        message = {"role": "assistant", "content": content}
        if fault == "refused":
            message["refusal"] = "I cannot describe this."
        reason = "content_filter" if fault == "filtered" else "stop"
        choice = {"index": 0, "message": message, "finish_reason": reason}
        usage = {"prompt_tokens": 800, "completion_tokens": 20, "total_tokens": 820}
        return {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], "usage": usage}

    def _prediction(self, method: str, path: str, given: dict[str, Any], fault: str) -> dict[str, Any]:
        owner = self.owner
        if method == "POST" and path.endswith("predictions"):
            name = f"p{len(owner.predictions)}"
            owner.predictions[name] = {
                "left": owner.polls,
                "output": self._output(given["input"], fault),
                "fault": fault,
            }
        else:
            name = path.split("/")[2]
            if path.endswith("/cancel"):
                owner.predictions[name]["canceled"] = True
            owner.predictions[name]["left"] -= 1
        entry = owner.predictions[name]
        if entry.get("canceled"):
            return {"id": name, "status": "canceled"}
        if entry["left"] > 0:
            return {"id": name, "status": "processing"}
        if fault in ("refused", "failed"):
            why = "NSFW content detected." if fault == "refused" else "CUDA out of memory."
            return {"id": name, "status": "failed", "error": why}
        done = {"id": name, "status": "succeeded", "metrics": {"predict_time": 2.0}, "version": "v1"}
        return {**done, "output": entry["output"]}

    def _output(self, given: dict[str, Any], fault: str) -> Any:
        shown = next((value for value in given.values() if str(value).startswith(("data:image", "http"))), None)
        if given.get("modality") == "text":
            return [3.0, 4.0, float(len(given["text_input"]))]
        if shown is not None:
            words = read(shown) if shown.startswith("data:") else "An uploaded picture."
            return ["Caption: ", words[:5], words[5:]] if given.get("task") else words
        item = self._item(next(given[name] for name in ("prompt", "text") if name in given), fault)
        return [item.get("url") or f"data:image/png;base64,{item['b64_json']}"]

    def _hub(self, given: dict[str, Any]) -> None:
        if self.path.endswith("/vectors"):
            return self._send(200, json.dumps([3.0, 4.0]).encode(), {"content-type": "application/json"})
        self.owner.paid[self.path] += 1
        return self._send(200, encode_png(barcode.draw(given["inputs"].encode())), {"content-type": "image/png"})

    def _json_or_truncated(self, made: dict[str, Any], fault: str) -> None:
        data = json.dumps(made).encode()
        if fault == "half":
            self._head(200, {"content-type": "application/json", "content-length": str(len(data))})
            self.wfile.write(data[: len(data) // 2])
            self.close_connection = True
            self.connection.close()
            return
        self._send(200, data, {"content-type": "application/json"})
        with self.owner.lock:
            self.owner.paid[self.path] += fault == "ok" and self._billed(self.command)

    def _json(self, status: int, made: object, retry_after: str = "") -> None:
        more = {"retry-after": retry_after} if retry_after else {}
        self._send(status, json.dumps(made).encode(), {"content-type": "application/json", **more})

    def _send(self, status: int, data: bytes, headers: dict[str, str]) -> None:
        self._head(status, {**headers, "content-length": str(len(data))})
        self.wfile.write(data)

    def _head(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()


def main() -> None:
    """Serves until Ctrl-C."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, default=0.0)
    parser.add_argument("--latency", type=float, default=0.0)
    chosen = parser.parse_args()
    with Server(rate=chosen.rate, latency=chosen.latency, delay=2.0) as server:
        print(server.url, flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
