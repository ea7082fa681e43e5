"""Every error that the package raises on purpose, so that a caller can tell what to mend from what broke.

TelephoneError
├── UsageError          the caller asked for something that cannot be: mend the request (exit code 2)
│   ├── PromptError     a prompt or a prompt file that cannot be read; says file, line and column
│   ├── UnknownModel   no player of this name; says near names
│   └── WorldError      a scene that breaks a rule of the pocket world
├── StoreError          the run folder cannot be read or written
│   ├── StoreDamaged    what is on disk is not what was written
│   └── StoreVersion    written by another version of the package
├── WeightsError        weights are missing, or are not the ones that were shipped
└── ModelError         a player failed on one call: the game ends, the others go on
    ├── ModelRefused   a player declined to answer (a content rule, for example)
    ├── KeyRejected     a provider does not accept the key: no call will work, so the run stops and can be resumed
    └── ModelUnavailable   a player did not answer this time, but may on another: it is asked again
"""

from telephone._moved import renamed

__getattr__ = renamed(__name__)


class TelephoneError(Exception):
    """Base of all errors of this package; its message is one sentence that says what to do next."""


class UsageError(TelephoneError):
    """The request cannot be carried out as it stands."""


class PromptError(UsageError):
    """A prompt, or a file of prompts, cannot be used."""


class UnknownModel(UsageError):
    """No provider offers a player of this name."""


class WorldError(UsageError, ValueError):
    """A scene breaks a rule of the pocket world."""


class StoreError(TelephoneError):
    """A run folder cannot be read or written."""


class StoreDamaged(StoreError):
    """A run folder holds something other than what was written."""


class StoreVersion(StoreError):
    """A run folder was written by a version of the package that this one cannot read."""


class WeightsError(TelephoneError):
    """A weight file is missing, or its hash is not the one that was shipped."""


class ModelError(TelephoneError):
    """A player failed on one call."""


class ModelRefused(ModelError):
    """A player declined to answer; an outcome of its own, never mixed with an outage."""


class KeyRejected(ModelError):
    """A provider does not accept the key; every other call would end the same way."""


class ModelUnavailable(ModelError):
    """A model gave no answer this time but may on another call: time-out, lost connection, HTTP 408, 429 or 5xx."""

    def __init__(self, message: str, retry_after: float | None = None, cost: float | None = None) -> None:
        """Keeps what the provider reports.

        Args:
            message: the reason.
            retry_after: seconds after which the provider accepts another call, None if it does not say.
            cost: US dollars an item that the call was billed with, None if unknown.
        """
        super().__init__(message)
        self.retry_after = retry_after
        self.cost = cost
