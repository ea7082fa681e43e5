"""Which API keys are set, by name alone: no part of a key, not even its length, goes into a finding."""

from telephone.core import settings
from telephone.core.errors import UsageError
from telephone.core.file_names import shell_word
from telephone.doctor.finding import Finding
from telephone.models.api.keys import VARIABLES, find_key

SECTION = "Keys"


def check_keys() -> list[Finding]:
    """Returns a finding for the key file and for each provider that can have a key."""
    return [_file(), *(_key(provider) for provider in VARIABLES), *_tokens()]


def _file() -> Finding:
    path = settings.load().keys_file
    if path is None:
        return Finding(SECTION, "key file", "note", "none, as the user has no home folder; TELEPHONE_KEYS names one")
    if not path.exists():
        return Finding(SECTION, "key file", "note", f"none at {path}")
    try:
        find_key("openai", "doctor.invalid")  # reads the file and checks its permissions
    except UsageError as error:
        return Finding(SECTION, "key file", "lacks", str(error), f"chmod 600 {shell_word(path)}")
    return Finding(SECTION, "key file", "ok", str(path))


def _key(provider: str) -> Finding:
    variable = VARIABLES[provider][0]
    try:
        found = find_key(provider)
    except UsageError as error:
        return Finding(SECTION, provider, "lacks", str(error))
    if found is None:
        return Finding(SECTION, provider, "lacks", "no key", f"export {variable}=…, or the key file")
    return Finding(SECTION, provider, "ok", f"from {found.source}")


def _tokens() -> list[Finding]:
    """Returns the keys of custom servers, and the token of `telephone serve`."""
    hosts = [Finding(SECTION, name, "ok", "for a custom server") for name in settings.names("TELEPHONE_KEY_")]
    here = [Finding(SECTION, name, "ok", "for telephone serve") for name in settings.names("TELEPHONE_TOKEN")]
    return hosts + here
