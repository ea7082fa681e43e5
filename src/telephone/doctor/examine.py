"""Looks at everything in turn."""

from telephone.doctor.files import hub, pocket
from telephone.doctor.finding import Finding
from telephone.doctor.machine import machine
from telephone.doctor.packages import packages
from telephone.doctor.rosters import pocket_refs, rosters
from telephone.doctor.secrets import secrets
from telephone.models import problems


def examine() -> list[Finding]:
    """Returns every finding, section by section; takes about a second and loads no model."""
    broken = [Finding("Providers", name, "lacks", reason) for name, reason in problems().items()]
    return [*packages(), *machine(), *secrets(), *pocket(pocket_refs()), *hub(), *broken, *rosters()]
