"""Makes a valid scene of what a text says.

Statements that contradict each other are decided by their content and not by the order of sentences: what comes first
in its own sentence, then what more sentences say, then the order of the values in `scene`.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

from telephone.world.mentions import Mention, PositionClaim
from telephone.world.reference import Group, References, claimed
from telephone.world.scene import (
    MAX_THINGS,
    RELATIONS,
    SETTINGS,
    STYLES,
    TIMES,
    WEATHERS,
    Relation,
    Scene,
)

_VALUES: dict[str, Sequence[str]] = {"setting": SETTINGS, "time": TIMES, "weather": WEATHERS, "style": STYLES}
_INVERSE = dict(zip(RELATIONS, (RELATIONS[1], RELATIONS[0], RELATIONS[3], RELATIONS[2]), strict=True))


def resolve(mentions: Sequence[Mention], facts: Mapping[str, Counter[str]]) -> Scene:
    """Returns the scene of a text.

    Args:
        mentions: its mentions, in order.
        facts: for each fact of the scene, how many sentences state each value.
    """
    around = {what: _most_stated(votes, _VALUES[what]) for what, votes in facts.items() if votes}
    if around.get("setting") == "space":
        around.pop("time", None)
        around.pop("weather", None)
    references = References(mentions)
    arrangement = _Arrangement(references.groups(), references.group_of)
    groups = _in_order(arrangement.groups)
    relations = [
        Relation(index, group.position[0], groups.index(group.position[1]))
        for index, group in enumerate(groups)
        if isinstance(group.position, tuple)
    ]
    return Scene(things=tuple(group.thing() for group in groups), relations=tuple(relations), **around)


def _most_stated(votes: Counter[str], values: Sequence[str]) -> str:
    return min(votes, key=lambda value: (-votes[value], values.index(value)))


def _in_order(groups: Sequence[Group]) -> list[Group]:
    """Returns things in the order of the text, each anchor before what stands beside it."""
    ordered: list[Group] = []
    for group in sorted(groups, key=lambda group: group.indices[0]):
        chain = [group]
        while isinstance(chain[-1].position, tuple) and chain[-1].position[1] not in ordered:
            chain.append(chain[-1].position[1])
        ordered += [link for link in reversed(chain) if link not in ordered]
    return ordered


class _Arrangement:
    """Gives each thing the place or the relation that is claimed for it, as far as all can hold in one scene."""

    def __init__(self, groups: Sequence[Group], group_of: Mapping[Mention, Group]) -> None:
        self.group_of = group_of
        self.groups = list(groups)
        if len(self.groups) > MAX_THINGS:
            self.groups = sorted(groups, key=lambda group: (-group.facts(), group.key))[:MAX_THINGS]
        names = Counter(group.name for group in self.groups)
        self.alike = {name for name, number in names.items() if number > 1}
        self.taken: set[str] = set()
        claims = [(group, claim) for group in self.groups for mention in group.mentions for claim in mention.claims]
        claims.sort(key=lambda pair: (pair[1].rank, pair[0].key, claimed(pair[1])))
        left = [pair for pair in claims if not self._granted(*pair)]
        for group, claim in left:
            anchor = self._anchor(claim)
            if anchor is not None:
                self._beside(anchor, _INVERSE[str(claim.relation)], group)
        self.groups = self._distinct()

    def _granted(self, group: Group, claim: PositionClaim) -> bool:
        if claim.relation is not None:
            anchor = self._anchor(claim)
            return anchor is not None and self._beside(group, claim.relation, anchor)
        place = str(claim.place)
        if group.position is not None or place in self.taken:
            return False
        self.taken.add(place)
        group.position = place
        return True

    def _anchor(self, claim: PositionClaim) -> Group | None:
        found = None if claim.anchor is None else self.group_of.get(claim.anchor)
        return found if found in self.groups else None

    def _beside(self, subject: Group, relation: str, anchor: Group) -> bool:
        if subject.position is not None or anchor.name in self.alike:
            return False
        link: Group | None = anchor
        while link is not None:
            if link is subject:
                return False
            link = link.position[1] if isinstance(link.position, tuple) else None
        subject.position = relation, anchor
        return True

    def _distinct(self) -> list[Group]:
        """Returns the things without those that nothing distinguishes from another of their name."""
        kept: list[Group] = []
        for group in sorted(self.groups, key=lambda group: (group.position is None, group.key)):
            known = [other for other in kept if other.name == group.name]
            if not known or (group.position is not None and all(group.position != other.position for other in known)):
                kept.append(group)
        return kept
