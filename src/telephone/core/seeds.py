"""Hashes and seeds: the same parts give the same number on every machine; the clock is never read."""

import hashlib


def digest(*parts: object) -> str:
    """Returns the sha256 (64 hexadecimal digits) of the parts, joined so that no two lists of parts collide."""
    hasher = hashlib.sha256()
    for part in parts:
        raw = part if isinstance(part, bytes) else str(part).encode()
        hasher.update(len(raw).to_bytes(8, "big"))
        hasher.update(raw)
    return hasher.hexdigest()


def derive(*parts: object) -> int:
    """Returns a seed in [0, 2**32) that is a function of the parts alone."""
    return int(digest(*parts)[:8], 16)


def content_hash(data: bytes) -> str:
    """Returns the sha256 of the bytes in 64 hexadecimal digits: the name under which the store keeps them."""
    return hashlib.sha256(data).hexdigest()
