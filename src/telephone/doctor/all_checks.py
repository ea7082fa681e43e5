"""All checks of an installation, in the order of the report."""

from telephone.doctor.files import check_hub_cache, check_pocket_weights
from telephone.doctor.finding import Finding
from telephone.doctor.machine import check_machine
from telephone.doctor.packages import check_packages
from telephone.doctor.rosters import check_rosters, pocket_refs
from telephone.doctor.secrets import check_keys
from telephone.models import problems


def examine() -> list[Finding]:
    """Returns every finding, section by section; takes about a second and loads no weights."""
    broken = [Finding("Providers", name, "lacks", reason) for name, reason in problems().items()]
    return [
        *check_packages(),
        *check_machine(),
        *check_keys(),
        *check_pocket_weights(pocket_refs()),
        *check_hub_cache(),
        *broken,
        *check_rosters(),
    ]
