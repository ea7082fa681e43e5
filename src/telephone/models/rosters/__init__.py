"""Who plays, as data: files that name players, what each needs, and who can no longer be called and who stands in."""

from telephone.models.rosters.roster_files import Lineup, Member, lineup, lineups

__all__ = ["Lineup", "Member", "lineup", "lineups"]
