"""Finds the providers of other packages; whatever is wrong with one of them is an error of that package alone."""

import contextlib
from collections.abc import Iterator
from importlib.metadata import EntryPoint, distributions, entry_points

from telephone.core.errors import TelephoneError, UsageError


@contextlib.contextmanager
def errors_of_plugin(failure: str) -> Iterator[None]:
    """Turns whatever the code of another package raises into a `UsageError`; it must not end this program.

    Raises:
        TelephoneError: the errors of this package are kept.
    """
    try:
        yield
    except TelephoneError:
        raise
    except (Exception, SystemExit) as error:  # noqa: BLE001 - another package may raise anything
        reason = " ".join(f"{type(error).__name__}: {error}".split()).rstrip(":. ")
        raise UsageError(f"{failure} ({reason}): repair or reinstall its package.") from error


def find_entry_points(group: str) -> tuple[list[EntryPoint], dict[str, str]]:
    """Returns the entry points of a group, and the packages whose list of entry points cannot be read, with the reason.

    The library reads the lists of all packages at one time, and one malformed list ends its search.
    """
    try:
        return list(entry_points(group=group)), {}
    except Exception:  # noqa: BLE001 - whatever a malformed file leads the library into
        return _find_one_by_one(group)


def _find_one_by_one(group: str) -> tuple[list[EntryPoint], dict[str, str]]:
    found: list[EntryPoint] = []
    errors: dict[str, str] = {}
    names: set[str] = set()
    for distribution in distributions():
        path = str(getattr(distribution, "_path", "a package"))
        try:
            name = str(distribution.metadata["Name"] or path)
            if name not in names:  # the first one on the path counts, as for imports
                names.add(name)
                found += distribution.entry_points.select(group=group)
        except Exception as error:  # noqa: BLE001 - whatever a malformed file leads the library into
            errors[path] = (
                f"The list of entry points at {path} cannot be read ({type(error).__name__}): repair or reinstall that "
                "package."
            )
    return found, errors
