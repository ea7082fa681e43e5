"""What each entry of the shipped rosters lacks before it can play."""

from telephone.doctor.files import lacking
from telephone.doctor.finding import Finding
from telephone.models.rosters import ModelRoster, RosterEntry, list_rosters, load_roster


def rosters() -> list[Finding]:
    """Returns a finding for each player of each shipped roster."""
    return [_entry(each, member) for each in list_rosters() for member in each.members]


def pocket_refs() -> frozenset[str]:
    """Returns the addresses of the players of the pocket battle."""
    return frozenset(member.ref for member in load_roster("pocket").members)


def _entry(each: ModelRoster, member: RosterEntry) -> Finding:
    section = f"Roster {each.name}"
    if not member.retired:
        lack = lacking(member.ref)
        return Finding(section, member.ref, "lacks" if lack else "ok", lack, needed=each.name == "pocket")
    gone = f"can no longer be called since {member.retired}"
    if not member.stand_in:
        return Finding(section, member.ref, "gone", f"{gone}; nobody stands in")
    lack = lacking(member.stand_in)
    if lack:
        return Finding(section, member.ref, "gone", f"{gone}; {member.stand_in} would stand in, but: {lack}")
    mend = f"telephone play --roster {each.name} --stand-ins"
    return Finding(section, member.ref, "gone", f"{gone}; {member.stand_in} stands in", mend)
