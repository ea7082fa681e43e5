"""Every error that the package raises on purpose, so that a caller can distinguish wrong use from failures.

TelephoneError
├── UsageError          the request is invalid: correct it (exit code 2)
│   ├── PromptError     a prompt or a prompt file cannot be read; names file, line and column
│   ├── UnknownModel    there is no model of this name; suggests similar names
│   └── WorldError      a scene breaks a rule of the pocket world
├── StoreError          the run folder cannot be read or written
│   ├── StoreDamaged    the content on disk differs from what was written
│   └── StoreVersion    written by another version of the package
├── WeightsError        weights are missing, or differ from the shipped ones
└── ModelError          a model failed on one call: its game ends, the others continue
    ├── ModelRefused    a model refused the input (a content rule, for example)
    ├── KeyRejected     a provider rejects the key: no call will work, so the run stops and can be resumed
    │   └── NoCredit    the account behind the key has no credit left: the same
    └── ModelUnavailable  a model did not respond this time, but may later: the call is retried
"""

from telephone._moved import renamed

__getattr__ = renamed(__name__)


class TelephoneError(Exception):
    """Base of all errors of this package; its message is one sentence that says what to do next."""


class UsageError(TelephoneError):
    """The request is invalid."""


class PromptError(UsageError):
    """A prompt, or a file of prompts, cannot be used."""


class UnknownModel(UsageError):
    """There is no model of this name."""


class WorldError(UsageError, ValueError):
    """A scene breaks a rule of the pocket world."""


class StoreError(TelephoneError):
    """A run folder cannot be read or written."""


class StoreDamaged(StoreError):
    """The content of a run folder differs from what was written."""


class StoreVersion(StoreError):
    """A run folder was written by a version of the package that this one cannot read."""


class WeightsError(TelephoneError):
    """A weight file is missing, or its hash is not the one that was shipped."""


class ModelError(TelephoneError):
    """A model failed on one call."""


class ModelRefused(ModelError):
    """A model refused the input; a separate outcome, never counted as an outage."""


class KeyRejected(ModelError):
    """A provider rejects the key; every other call would fail in the same way."""


class NoCredit(KeyRejected):
    """The account behind the key has no credit left, or has reached its limit; waiting does not help."""


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
