"""Rosters: named lists of models as data, with what each needs, and stand-ins for models that are retired."""

from telephone.models.rosters.roster_files import ModelRoster, RosterEntry, list_rosters, load_roster

__all__ = ["ModelRoster", "RosterEntry", "list_rosters", "load_roster"]
