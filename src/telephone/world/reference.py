"""Decides which mentions of a text are the same thing.

Two mentions of one kind and colour are one group unless they stand in different places. "The boat" is the boat of
before, of any colour; "another boat" is one more. No decision depends on the order of sentences, except what "the boat"
means where there are several boats (the nearest before it) and what "it" means (the thing before it, as `mentions`
reads it).
"""

from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from telephone.world.mentions import Mention, PositionClaim
from telephone.world.scene import COLOURS, COUNTS, KINDS, SEVERAL, SIZES, Thing

_DRAWN = 2
"""How many are drawn of "boats"."""
_DRAWN_OF_SEVERAL = 3

Name = tuple[str, str | None]
_Where = tuple[str, ...] | None


@dataclass(eq=False)
class Group:
    """Mentions of one thing."""

    kind: str
    colour: str | None
    where: _Where = None
    """The place or relation that distinguishes it from others of its name."""
    mentions: list[Mention] = field(default_factory=list)
    indices: list[int] = field(default_factory=list)
    """Indices of the mentions, sorted."""
    more: int = 0
    """How many "another" adds."""
    position: "str | tuple[str, Group] | None" = None
    """Where it is in the scene: a place, or relation and anchor."""

    def add(self, mention: Mention) -> None:
        """Adds a mention."""
        self.mentions.append(mention)
        insort(self.indices, mention.index)

    def last_before(self, index: int) -> int:
        """Returns the index of its last mention before a mention, -1 if there is none."""
        at = bisect_left(self.indices, index)
        return self.indices[at - 1] if at else -1

    @property
    def name(self) -> Name:
        """Kind and colour."""
        return self.kind, self.colour

    @property
    def key(self) -> tuple[int, int, tuple[str, ...]]:
        """Orders groups by content."""
        return KINDS.index(self.kind), -1 if self.colour is None else COLOURS.index(self.colour), self.where or ()

    def thing(self) -> Thing:
        """Returns the thing that its mentions describe, with its place where it has one."""
        sizes = Counter(mention.noun.size for mention in self.mentions if mention.noun.size)
        size = min(sizes, key=lambda value: (-sizes[value], SIZES.index(value))) if sizes else SIZES[0]
        count, several = self._count()
        place = self.position if isinstance(self.position, str) else None
        return Thing(self.kind, self.colour, size, count, place, several)

    def _count(self) -> tuple[int, bool]:
        """Returns how many are drawn, and whether the number is not exact."""
        introduced = [mention for mention in self.mentions if not mention.noun.definite] or self.mentions
        numbers = Counter(mention.number for mention in introduced)
        exact = [number for number in numbers if isinstance(number, int)]
        if exact or self.more:
            count = min(exact, key=lambda number: (-numbers[number], number), default=1) + self.more
            return min(count, max(COUNTS)), count > max(COUNTS)
        if SEVERAL not in numbers:
            return 1, False
        said = any(mention.noun.count == SEVERAL for mention in introduced)
        return (_DRAWN_OF_SEVERAL if said else _DRAWN), True

    def facts(self) -> int:
        """Returns how many facts its mentions state, for texts that name more things than a scene can hold."""
        thing = self.thing()
        return 1 + bool(thing.colour) + (thing.size != SIZES[0]) + (thing.count > 1) + (self.where is not None)


class References:
    """Makes groups of mentions: first those that introduce things, then those that refer back, then the anchors."""

    def __init__(self, mentions: Sequence[Mention]) -> None:
        """Takes the mentions of a text in order."""
        self.by_name: dict[Name, list[Group]] = {}
        self.by_kind: dict[str, list[Group]] = {}
        self.group_of: dict[Mention, Group] = {}
        self.mentions = mentions

    def groups(self) -> list[Group]:
        """Returns the things of the text; afterwards `group_of` has the thing of each mention that means one."""
        introducing = [m for m in self.mentions if not m.noun.definite and (not m.anchor_only or m.counted)]
        self._introduce(introducing)
        for mention in self.mentions:
            if mention.noun.definite and not mention.anchor_only:
                self._refer(mention)
        self._paint()
        for mention in self.mentions:
            if mention not in self.group_of:
                self._refer(mention)
        return [group for alike in self.by_kind.values() for group in alike]

    def _introduce(self, mentions: Sequence[Mention]) -> None:
        loose = []
        for mention in mentions:
            where = _where(mention)
            if where is None:
                loose.append(mention)
                continue
            alike = self.by_name.get((mention.kind, mention.noun.colour), [])
            self._join(next((group for group in alike if group.where == where), None), mention, where)
        for mention in sorted(loose, key=lambda mention: mention.noun.another):
            alike = self.by_name.get((mention.kind, mention.noun.colour), [])
            group = min(alike, key=lambda group: group.key, default=None)
            if mention.noun.another and group is not None:
                number = mention.noun.count
                group.more += number if isinstance(number, int) else 1
                self.group_of[mention] = group
            else:
                self._join(group, mention, None)

    def _join(self, group: Group | None, mention: Mention, where: _Where) -> None:
        if group is None:
            group = Group(mention.kind, mention.noun.colour, where)
            self.by_name.setdefault(group.name, []).append(group)
            self.by_kind.setdefault(group.kind, []).append(group)
        elif group.where is None:
            group.where = where
        group.add(mention)
        self.group_of[mention] = group

    def _refer(self, mention: Mention) -> None:
        """Joins "the red boat", or an anchor, to the thing that it means; "the boat" is also the last boat."""
        where = _where(mention)
        alike = self.by_name.get((mention.kind, mention.noun.colour), [])
        if not alike and mention.noun.colour is None:
            alike = self._last(self.by_kind.get(mention.kind, []), mention)
        elif not alike:
            alike = self._unpainted(mention)
        if mention.anchor_only:
            if len(alike) == 1:
                self.group_of[mention] = alike[0]
            return
        same = [group for group in alike if group.where == where]
        free = [group for group in alike if group.where is None or where is None]
        known = bool(mention.claims) and mention.claims[0].predicate
        chosen = same or free or (alike if known else [])
        self._join(min(chosen, key=lambda group: group.key, default=None), mention, where)

    def _last(self, groups: list[Group], mention: Mention) -> list[Group]:
        """Returns the group of a kind that was mentioned last before this mention, or the first of all."""
        before = [group for group in groups if group.indices[0] < mention.index]
        if before:
            return [max(before, key=lambda group: group.last_before(mention.index))]
        return [min(groups, key=lambda group: group.key)] if groups else []

    def _unpainted(self, mention: Mention) -> list[Group]:
        """Returns the only unpainted group of a kind, which "the red boat" after "a boat" means."""
        unpainted = self.by_name.get((mention.kind, None), [])
        if len(unpainted) != 1 or not mention.noun.definite or mention.anchor_only:
            return []
        self._rename(unpainted[0], mention.noun.colour)
        return unpainted

    def _rename(self, group: Group, colour: str | None) -> None:
        self.by_name[group.name].remove(group)
        group.colour = colour
        self.by_name.setdefault(group.name, []).append(group)

    def _paint(self) -> None:
        """Gives things the colour that is said of them, as in "the boat is red"."""
        for mention, group in list(self.group_of.items()):
            colour = mention.predicated
            if colour and group.colour is None and not self.by_name.get((group.kind, colour)):
                self._rename(group, colour)


def _where(mention: Mention) -> _Where:
    return claimed(mention.claims[0]) if mention.claims else None


def claimed(claim: PositionClaim) -> tuple[str, ...]:
    """Returns what a claim says, in words that can be compared and sorted."""
    if claim.place is not None:
        return (claim.place,)
    assert claim.relation is not None and claim.anchor is not None
    return claim.relation, claim.anchor.kind, claim.anchor.noun.colour or ""
