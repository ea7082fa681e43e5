"""Seeds from descriptions: the same words give the same number on every machine, and the clock is never asked."""

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
