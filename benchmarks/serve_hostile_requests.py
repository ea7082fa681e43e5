"""Responsiveness of `telephone serve` under hostile requests: the longest response time of /health, and the memory.

Each request is sent to a server of its own, and /health is asked until it is answered.

    python benchmarks/serve_hostile_requests.py
"""

import base64
import io
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import numpy as np
from PIL import Image

MIB = 2**20
HEADERS = {"content-type": "application/json"}


def main() -> None:
    print("| request | duration | longest /health | memory | status |\n|---|---|---|---|---|")
    for name, bodies in requests().items():
        with server() as (process, url):
            seconds, longest, statuses = measure(url, bodies)
            memory = re.search(r"VmHWM:\s*(\d+)", Path(f"/proc/{process.pid}/status").read_text())
        megabytes = int(memory[1]) / 1024 if memory else float("nan")
        print(f"| {name} | {seconds:.1f} s | {longest:.2f} s | {megabytes:.0f} MB | {statuses} |", flush=True)


def chat(content: bytes) -> bytes:
    return b'{"model": "fake/captioner", "messages": [{"role": "user", "content": %s}]}' % content


def image(url: bytes) -> bytes:
    return chat(b'[{"type": "image_url", "image_url": {"url": "%s"}}]' % url)


def requests() -> dict[str, list[bytes]]:
    """Returns the bodies that are sent at one time, by what they hold."""
    part, most = b'{"type":"text"}', 23 * MIB
    return {
        "8 MiB of [0,0,…]": [chat(b"[" + b"0," * (4 * MIB - 100) + b"0]")],
        '23 MiB of {"type":"text"}': [chat(b"[" + b",".join([part] * (most // 16)) + b"]")],
        "23 MiB of nested lists": [chat(b"[" * most)],
        "23 MiB of commas in a text": [chat(b'"' + b"," * most + b'"')],
        "23 MiB of escapes in a text": [chat(b'"' + b"\\u0041" * (most // 6) + b'"')],
        "23 MiB of white space in base64": [image(b"data:image/png;base64," + b"A " * (most // 2))],
        "23 MiB of percent signs in a data: URL": [image(b"data:image/png," + b"%41" * (most // 3))],
        "six JPEG images of 16 megapixels at a time": [image(b"data:image/jpeg;base64," + photograph())] * 6,
    }


def photograph() -> bytes:
    """Returns 4000 x 4000 pixels of noise as JPEG in base64."""
    noise = np.random.default_rng(0).integers(0, 256, (500, 500, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(np.tile(noise, (8, 8, 1))).save(buffer, "JPEG", quality=60)
    return base64.b64encode(buffer.getvalue())


@contextmanager
def server() -> Iterator[tuple["subprocess.Popen[str]", str]]:
    command = [sys.executable, "-m", "telephone", "serve", "fake/captioner", "--port", "0"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=os.environ
    ) as made:
        assert made.stdout is not None
        try:
            yield made, made.stdout.readline().strip()
        finally:
            made.terminate()


def measure(url: str, bodies: list[bytes]) -> tuple[float, float, list[int]]:
    """Returns the seconds until all bodies are answered, the longest response time of /health, and the statuses."""
    statuses: list[int] = []

    def post(body: bytes) -> None:
        statuses.append(httpx2.post(f"{url}/chat/completions", content=body, headers=HEADERS, timeout=600).status_code)

    threads = [threading.Thread(target=post, args=(body,)) for body in bodies]
    start, longest = time.monotonic(), 0.0
    for thread in threads:
        thread.start()
    with httpx2.Client(timeout=600) as client:
        while any(thread.is_alive() for thread in threads):
            asked = time.monotonic()
            client.get(url.removesuffix("/v1") + "/health")
            longest = max(longest, time.monotonic() - asked)
            time.sleep(0.01)
    return time.monotonic() - start, longest, statuses


if __name__ == "__main__":
    main()
