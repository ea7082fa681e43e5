"""What this installation can do and what it lacks, with the command that mends each lack; nothing heavy is loaded."""

from telephone.doctor.examine import examine
from telephone.doctor.finding import Finding, State, playable

__all__ = ["Finding", "State", "examine", "playable"]
