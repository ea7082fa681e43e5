"""Words for every value of the pocket world, in English and Chinese: those of captions, and synonyms for parsing."""

from collections.abc import Iterable, Iterator
from functools import cache
from typing import NamedTuple

from telephone.world.scene import COLOURS, COUNTS, KINDS, SETTINGS


class Meaning(NamedTuple):
    """The meaning of a word or phrase."""

    what: str
    """An attribute of `Atom`, or a word of structure: after, article, and, be, break, comma, picture, pronoun, silent,
    stop, there, unknown. A relation that follows its anchor, as in Chinese, is `after`."""
    value: str | int = ""
    plural: bool = False
    """True of a kind in the plural."""


UNKNOWN = Meaning("unknown")
_IRREGULAR = {"butterfly": "butterflies", "cactus": "cacti", "fish": "fish"}
PLURALS = {kind: _IRREGULAR.get(kind, kind + "s") for kind in KINDS}
NUMBERS = {1: "one", 2: "two", 3: "three", 4: "four"}

CHINESE_KINDS = {
    "apple": "个苹果", "balloon": "只气球", "banana": "根香蕉", "bell": "个铃铛",
    "bird": "只鸟", "boat": "艘船", "book": "本书", "butterfly": "只蝴蝶",
    "cactus": "棵仙人掌", "car": "辆汽车", "castle": "座城堡", "cat": "只猫",
    "chair": "把椅子", "clock": "个时钟", "crown": "顶皇冠", "cup": "个杯子",
    "dog": "只狗", "fish": "条鱼", "flower": "朵花", "hat": "顶帽子",
    "heart": "颗爱心", "house": "栋房子", "key": "把钥匙", "kite": "只风筝",
    "lamp": "盏台灯", "mushroom": "朵蘑菇", "plane": "架飞机", "robot": "个机器人",
    "rocket": "枚火箭", "star": "颗星星", "tree": "棵树", "umbrella": "把雨伞",
}  # fmt: skip
"""A measure word of one character, then the noun."""
CHINESE_COLOURS = dict(zip(COLOURS, "红橙黄绿蓝紫粉棕黑白", strict=True))
CHINESE_NUMBERS = {1: "一", 2: "两", 3: "三", 4: "四"}
CHINESE_SIZES = {"small": "小", "big": "大"}
CHINESE_PLACES = {
    "left": "左边", "middle": "中间", "right": "右边", "top left": "左上角", "top": "顶上", "top right": "右上角",
}  # fmt: skip
CHINESE_RELATIONS = {"left of": "左边", "right of": "右边", "above": "上方", "below": "下方"}
CHINESE_SETTINGS = dict(zip(SETTINGS, ("海滩", "公园", "城市", "沙漠", "森林", "雪地", "房间", "太空"), strict=True))
CHINESE_TIMES = {"sunset": "日落", "night": "夜晚"}
CHINESE_WEATHERS = {"cloudy": "多云", "rain": "下雨", "snow": "下雪", "fog": "起雾"}
CHINESE_STYLES = {"sketch": "素描", "pastel": "粉彩画", "neon": "霓虹画"}

_STRUCTURE = {
    "article": "a an the 个 只 根 艘 本 棵 辆 座 把 顶 条 朵 颗 栋 盏 架 枚 幅",
    "and": "and 和 与",
    "be": "is are was were 是",
    "there": "there 有",
    "pronoun": "it they 它 它们",
    "picture": "picture image photo photograph drawing painting illustration scene view shot 画 图 图片 照片 画面",
    "stop": (
        "of on in at to with by for from this that its their his her my your our as or into onto out up so some has "
        "have had very am been being which who where while then than these those he she we you i but not no also too "
        "can s t 的 了 在 着 里 上 中 这 那 张 色 地方"
    ),
    "silent": (
        "pencil side corner part empty sky nothing once upon time stood lived came along somebody drew lights "
        "空白 铅笔 天气 什么 都 没有 从前 住 站 来 时"
    ),
}
_ENGLISH = {
    "kind": {
        "apple": "", "balloon": "", "banana": "", "bell": "", "bird": "seagull/gull/sparrow/pigeon/duck/owl",
        "boat": "ship/sailboat/sailing boat/yacht/canoe", "book": "", "butterfly": "", "cactus": "",
        "car": "automobile/taxi/cab", "castle": "fortress/palace", "cat": "kitten/kitty", "chair": "stool/armchair",
        "clock": "alarm clock", "crown": "tiara", "cup": "mug/teacup",
        "dog": "puppy/doggy/hound/corgi", "fish": "goldfish", "flower": "rose/tulip/daisy", "hat": "cap/top hat",
        "heart": "", "house": "cottage/hut/cabin", "key": "", "kite": "", "lamp": "lantern", "mushroom": "toadstool",
        "plane": "airplane/aeroplane/aircraft/jet",
        "robot": "android", "rocket": "spaceship/spacecraft/rocket ship", "star": "", "tree": "pine/oak/palm tree",
        "umbrella": "parasol",
    },
    "colour": {
        "red": "scarlet/crimson", "orange": "", "yellow": "golden", "green": "", "blue": "navy", "purple": "violet",
        "pink": "magenta", "brown": "", "black": "", "white": "",
    },
    "size": {
        "small": "tiny/little/mini/miniature", "big": "large/huge/giant/enormous/gigantic/massive",
        "medium": "medium sized",
    },
    "place": {
        "left": "bottom left/lower left", "middle": "center/centre/central/bottom", "right": "bottom right/lower right",
        "top left": "upper left", "top": "top middle/top center/top centre/in the sky", "top right": "upper right",
    },
    "relation": {
        "left of": "", "right of": "", "above": "over/on top of/top of",
        "below": "under/beneath/underneath",
    },
    "setting": {
        "beach": "seaside/shore/seashore/coast", "park": "garden/meadow", "city": "town/street/skyline/urban",
        "desert": "dunes", "forest": "woods/jungle/woodland",
        "snowfield": "snowy field/snow field/field of snow/tundra",
        "room": "bedroom/kitchen/living room/indoors", "space": "outer space/cosmos/galaxy",
    },
    "time": {
        "day": "daytime/daylight/noon/morning/afternoon/sunny", "sunset": "dusk/sunrise/dawn/twilight/evening",
        "night": "nighttime/midnight/moonlit",
    },
    "weather": {
        "clear": "", "cloudy": "clouds/cloud/overcast", "rain": "rainy/raining/rains/rainstorm",
        "snow": "snowy/snowing/snows/snowfall/blizzard", "fog": "foggy/mist/misty/haze/hazy",
    },
    "style": {
        "flat": "", "sketch": "sketched/pencil drawing", "pastel": "pastels", "neon": "",
    },
}  # fmt: skip
"""Slash-separated synonyms of each value; the value itself is always understood."""
_CHINESE: dict[str, dict[str | int, str]] = {
    "kind": {
        "boat": "轮船/帆船", "bird": "鸟儿", "car": "车/轿车", "cat": "猫咪", "dog": "狗狗", "chair": "椅",
        "clock": "钟/钟表", "crown": "王冠", "cup": "杯/茶杯", "flower": "花朵/鲜花", "hat": "帽", "heart": "心/心形",
        "house": "屋子/房屋", "lamp": "灯/灯笼", "rocket": "飞船", "star": "星", "tree": "树木", "umbrella": "伞",
        "bell": "铃", "book": "书本", "castle": "宫殿",
    },
    "colour": {"orange": "橘", "brown": "褐/咖啡", "pink": "粉红", "green": "翠"},
    "size": {"small": "微小/小小", "big": "巨大/大大"},
    "count": {1: "1", 2: "二/2/一对", 3: "3", 4: "4"},
    "place": {
        "top": "顶部/天上/天空", "middle": "中央/正中/中心/下面", "left": "左侧/左下角", "right": "右侧/右下角",
        "top left": "左上", "top right": "右上",
    },
    "after": {
        "left of": "左面/左侧/左方", "right of": "右面/右侧/右方", "above": "上面/上边", "below": "下面/下边",
    },
    "setting": {
        "beach": "沙滩/海边", "park": "花园", "city": "都市/街道", "forest": "树林", "snowfield": "雪原",
        "room": "屋里", "space": "宇宙",
    },
    "time": {"day": "白天/早晨", "sunset": "黄昏/傍晚/夕阳", "night": "夜里/晚上/夜间/黑夜/夜"},
    "weather": {"clear": "晴/晴天", "cloudy": "阴天/云", "rain": "雨", "snow": "雪/雪花", "fog": "雾"},
    "style": {"pastel": "粉彩", "neon": "霓虹", "sketch": "素描画"},
}  # fmt: skip


@cache
def english() -> dict[str, Meaning]:
    """Returns the meaning of every English word and phrase, lower case, words joined by one space."""
    lexicon = {word: Meaning(what) for what, listed in _STRUCTURE.items() for word in listed.split() if word.isascii()}
    for what, values in _ENGLISH.items():
        for value, synonyms in values.items():
            for phrase in (value, *filter(None, synonyms.split("/"))):
                lexicon[phrase] = Meaning(what, value)
                if what == "kind":
                    lexicon.setdefault(_plural(phrase), Meaning(what, value, plural=True))
    for count in COUNTS:
        lexicon[NUMBERS[count]] = lexicon[str(count)] = Meaning("count", count)
    lexicon["pair of"] = lexicon["couple of"] = Meaning("count", 2)
    return lexicon


def _plural(noun: str) -> str:
    if noun in PLURALS:
        return PLURALS[noun]
    if noun.endswith(("ss", "ch")):
        return noun + "es"
    return noun[:-1] + "ies" if noun.endswith(("py", "ty", "gy", "sy")) else noun + "s"


@cache
def chinese() -> dict[str, Meaning]:
    """Returns the meaning of every Chinese word, without spaces."""
    words = {word: Meaning(what) for what, words in _STRUCTURE.items() for word in words.split() if not word.isascii()}
    return words | dict(_chinese())


def _chinese() -> Iterator[tuple[str, Meaning]]:
    said: dict[str, Iterable[tuple[str | int, str]]] = {
        "kind": {kind: noun[1:] for kind, noun in CHINESE_KINDS.items()}.items(),
        "colour": CHINESE_COLOURS.items(),
        "size": CHINESE_SIZES.items(),
        "count": CHINESE_NUMBERS.items(),
        "place": CHINESE_PLACES.items(),
        "after": CHINESE_RELATIONS.items(),
        "setting": CHINESE_SETTINGS.items(),
        "time": (("day", "白日"), *CHINESE_TIMES.items()),
        "weather": (("clear", "晴朗"), *CHINESE_WEATHERS.items()),
        "style": CHINESE_STYLES.items(),
    }
    for what, values in said.items():
        for value, word in values:
            synonyms = _CHINESE.get(what, {}).get(value, "")
            for phrase in (word, *filter(None, synonyms.split("/"))):
                yield _spelling(phrase, what), Meaning(what, value)
                if what == "colour":
                    yield phrase + "色", Meaning(what, value)


def _spelling(word: str, what: str) -> str:
    return "的" + word if what == "after" else word
