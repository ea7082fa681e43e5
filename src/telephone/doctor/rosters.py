"""What is missing before each model of the shipped rosters can be called."""

from telephone.doctor.files import missing_for
from telephone.doctor.finding import Finding
from telephone.models.rosters import ModelRoster, RosterEntry, list_rosters, load_roster


def check_rosters() -> list[Finding]:
    """Returns a finding for each model of each shipped roster."""
    return [_entry(each, member) for each in list_rosters() for member in each.members]


def pocket_refs() -> frozenset[str]:
    """Returns the addresses of the models of the pocket battle."""
    return frozenset(member.ref for member in load_roster("pocket").members)


def _entry(each: ModelRoster, member: RosterEntry) -> Finding:
    section = f"Roster {each.name}"
    if not member.retired:
        missing = missing_for(member.ref)
        return Finding(section, member.ref, "lacks" if missing else "ok", missing, needed=each.name == "pocket")
    gone = f"can no longer be called since {member.retired}"
    if not member.stand_in:
        return Finding(section, member.ref, "gone", f"{gone}; it has no stand-in")
    missing = missing_for(member.stand_in)
    if missing:
        return Finding(section, member.ref, "gone", f"{gone}; {member.stand_in} is its stand-in, but: {missing}")
    fix = f"telephone play --roster {each.name} --stand-ins"
    return Finding(section, member.ref, "gone", f"{gone}; {member.stand_in} is its stand-in", fix)
