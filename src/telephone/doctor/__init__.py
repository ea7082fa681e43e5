"""What is installed and what is missing, with the command that installs it; no weights are loaded."""

from telephone.doctor.all_checks import examine
from telephone.doctor.finding import Finding, State, playable

__all__ = ["Finding", "State", "examine", "playable"]
