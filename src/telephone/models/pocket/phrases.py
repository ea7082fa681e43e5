"""What CLIP Interrogator may add to a caption: where, when, weather, style, and every thing in every colour."""

from telephone.world.grammar import caption
from telephone.world.scene import COLOURS, KINDS, SETTINGS, STYLES, TIMES, WEATHERS, Scene, Thing


def banks() -> dict[str, tuple[str, ...]]:
    """Returns the phrases of each bank, in the world's own words; what goes without saying has none."""
    things = [Thing(kind, colour) for kind in KINDS for colour in COLOURS]
    scenes = {
        "setting": [Scene(setting) for setting in SETTINGS],
        "time": [Scene(time=time) for time in TIMES[1:]],
        "weather": [Scene(weather=weather) for weather in WEATHERS[1:]],
        "style": [Scene(style=style) for style in STYLES[1:]],
        "things": [Scene(things=(thing,)) for thing in things],
    }
    return {name: tuple(caption(scene, "en", "short") for scene in each) for name, each in scenes.items()}
