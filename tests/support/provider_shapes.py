"""Contents of the local provider's requests and responses: images that encode a text, vectors, a too large image."""

import base64
import struct
import zlib
from typing import Any

from telephone.core.images import decode
from telephone.models import barcode


def bomb(side: int = 60_000) -> bytes:
    """Returns a small PNG file whose header declares `side` x `side` pixels."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    body = zlib.compress(b"\0" * 100_000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def read(url: str) -> str:
    """Returns the text that the image of a `data:` URL encodes."""
    image = decode(base64.b64decode(url.partition(",")[2]))
    return (barcode.read(image) or b"Nothing that can be read.").decode(errors="replace")


def vectors(given: dict[str, Any]) -> dict[str, Any]:
    """Returns the response to an embedding request, in reversed order, which the interface allows."""
    texts = given["input"] if isinstance(given["input"], list) else [given["input"]]
    rows = [{"index": at, "object": "embedding", "embedding": [1.0, float(len(t))]} for at, t in enumerate(texts)]
    usage = {"prompt_tokens": sum(len(text.split()) for text in texts), "total_tokens": 0}
    return {"object": "list", "model": "m", "data": rows[::-1], "usage": usage}
