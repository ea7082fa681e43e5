"""Hypothesis strategies for scenes that no sampler would make, and for texts that went through a bad telephone."""

from hypothesis import strategies as st

from telephone.world.grammar import WORDINGS, caption
from telephone.world.scene import (
    COLOURS,
    COUNTS,
    KINDS,
    MAX_THINGS,
    PLACES,
    RELATIONS,
    SETTINGS,
    SIZES,
    STYLES,
    TIMES,
    WEATHERS,
    Relation,
    Scene,
    Thing,
)

TELLINGS = [(lang, wording) for lang, wordings in WORDINGS.items() for wording in wordings]
_NAMES = st.tuples(st.sampled_from(KINDS), st.sampled_from((None, *COLOURS)))


@st.composite
def scenes(draw: st.DrawFn, max_things: int = MAX_THINGS) -> Scene:
    names = draw(st.lists(_NAMES, unique=True, max_size=max_things))
    cells = draw(st.permutations(PLACES))
    things, relations = [], []
    for index, (kind, colour) in enumerate(names):
        where = draw(st.sampled_from(("nowhere", "place", "relation")))
        place = cells[index] if where == "place" else None
        things.append(Thing(kind, colour, draw(st.sampled_from(SIZES)), draw(st.sampled_from(COUNTS)), place))
        if where == "relation" and index:
            anchor = draw(st.integers(0, index - 1))
            relations.append(Relation(index, draw(st.sampled_from(RELATIONS)), anchor))
    setting = draw(st.sampled_from((None, *SETTINGS)))
    outside = setting != "space"
    time = draw(st.sampled_from(TIMES)) if outside else TIMES[0]
    weather = draw(st.sampled_from(WEATHERS)) if outside else WEATHERS[0]
    return Scene(setting, time, weather, draw(st.sampled_from(STYLES)), tuple(things), tuple(relations))


@st.composite
def captions(draw: st.DrawFn) -> str:
    lang, wording = draw(st.sampled_from(TELLINGS))
    return caption(draw(scenes()), lang, wording)


@st.composite
def damaged_captions(draw: st.DrawFn) -> str:
    text = draw(captions())
    words = text.split(" ") if " " in text else list(text)
    glue = " " if " " in text else ""
    for _ in range(draw(st.integers(1, 8))):
        at, other = (draw(st.integers(0, max(0, len(words) - 1))) for _ in range(2))
        damage = draw(st.sampled_from(("drop", "swap", "double", "cut", "letter")))
        if not words:
            break
        if damage == "drop":
            del words[at]
        elif damage == "swap":
            words[at], words[other] = words[other], words[at]
        elif damage == "double":
            words.insert(at, words[at])
        elif damage == "cut":
            words = words[:at]
        elif words[at]:
            words[at] = words[at][:-1] + draw(st.characters())
    return glue.join(words)
