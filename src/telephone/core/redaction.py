"""Removes API keys from every text that is printed, stored or sent: keys this process has read, and look-alikes."""

import re
from urllib.parse import quote

_LOOKS_LIKE_A_KEY = re.compile(
    r"\b(?:sk|pk|rk)-(?=[\w*.\-]*[\d*])[\w*.\-]{6,}"  # the form of OpenAI and many others, also when partly masked
    r"|\b(?:r8|hf)_[\w*]{6,}"
    r"|(?i:\bbearer\s+)(?=\S*\d)[\w.~+/=\-]{12,}"
)
_secrets: set[str] = set()
"""Every key that this process has read."""


def register_secret(value: str) -> None:
    """Registers a key, so that `redact` and `conceal` remove it from now on.

    Args:
        value: the key without surrounding whitespace; not a text short enough to occur inside ordinary words.
    """
    _secrets.add(value)


def redact(text: str) -> str:
    """Returns the text with `[key]` in place of every registered key and of everything that looks like a key."""
    return _LOOKS_LIKE_A_KEY.sub("[key]", conceal(text))


def conceal(text: str) -> str:
    """Returns the text with `[key]` in place of registered keys only.

    For model output, where a text that merely looks like a key is no proof of one.
    """
    for value in sorted(_secrets, key=len, reverse=True):
        text = text.replace(value, "[key]").replace(quote(value, safe=""), "[key]")
    return text
