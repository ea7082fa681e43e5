"""Every word of the vocabulary is read as intended: phrases, and the facts that they state."""

import pytest

from telephone.world import atoms, read
from telephone.world.lexicon import chinese
from telephone.world.traditional import _SIMPLIFIED, _TRADITIONAL, simplified

ENGLISH = {
    "kind": {
        "apple": "crab apple", "balloon": "hot air balloon/party balloon", "bell": "church bell/cowbell/chime",
        "bird": "seagull/dove/robin/crow/raven/eagle/parrot/swan/heron/songbird",
        "boat": "ship/yacht/vessel/kayak/ferry/"
        "rowing boat/sailing ship/speedboat/gondola/steamship/fishing boat",
        "book": "novel/notebook/textbook/storybook",
        "butterfly": "moth/monarch butterfly", "cactus": "saguaro/prickly pear",
        "car": "automobile/taxi/sedan/hatchback/racing car/convertible/limousine/motor vehicle",
        "castle": "fortress/citadel/stronghold/palace", "cat": "kitten/tabby cat/feline/house cat",
        "chair": "stool/armchair/rocking chair/deck chair", "clock": "alarm clock/grandfather clock/timepiece",
        "crown": "tiara/diadem/coronet", "cup": "mug/teacup/coffee mug/goblet/tumbler",
        "dog": "puppy/poodle/labrador/beagle/terrier/golden retriever/hound", "fish": "goldfish/trout/carp/clownfish",
        "flower": "rose/tulip/lily/sunflower/daffodil/poppy/orchid", "hat": "cap/top hat/bonnet/beret/sombrero/sun hat",
        "heart": "love heart/valentine", "house": "cottage/hut/bungalow/villa/mansion/farmhouse",
        "key": "door key/latchkey",
        "kite": "paper kite", "lamp": "lantern/desk lamp/street lamp/streetlight", "mushroom": "toadstool/fly agaric",
        "plane": "airplane/aeroplane/airliner/jet plane/biplane", "robot": "android/droid/automaton",
        "rocket": "spaceship/space shuttle/starship/rocket ship", "star": "shooting star/pentagram",
        "tree": "oak/pine tree/palm tree/maple/birch/apple tree/christmas tree/willow",
        "umbrella": "parasol/brolly/sunshade",
    },
    "colour": {
        "red": "scarlet/crimson/ruby/maroon/dark red/bright red/burgundy/brick red/reddish",
        "orange": "tangerine/deep orange/orangish", "yellow": "golden/gold/pale yellow/mustard/yellowish",
        "green": "emerald/olive/lime green/forest green/dark green/greenish",
        "blue": "navy/azure/cobalt/sky blue/light blue/royal blue/turquoise/bluish",
        "purple": "violet/lilac/lavender/mauve/deep purple", "pink": "magenta/fuchsia/hot pink/pale pink/rosy",
        "brown": "tan/chestnut/light brown/brownish/chocolate brown", "black": "jet black/ebony/pitch black",
        "white": "snow white/ivory/off white/whitish",
    },
    "size": {
        "small": "tiny/little/miniature/wee/petite/minuscule/diminutive/smaller/smallest/small-sized",
        "big": "large/huge/giant/enormous/gigantic/massive/oversized/colossal/immense/larger/biggest/large-sized",
    },
    "place": {
        "left": "on the left side of the picture/at the bottom left/in the lower left corner/at the far left/"
        "on the left-hand side",
        "right": "on the right side/at the bottom right/in the lower right corner/at the far right/"
        "on the right-hand side",
        "middle": "in the centre/in the center of the image/at the bottom/in the lower middle",
        "top left": "in the upper left corner/at the top left of the picture/in the top left-hand corner",
        "top": "at the top of the picture/in the sky/overhead/in the upper middle/up high",
        "top right": "in the upper right corner/at the top right/in the top right-hand corner",
    },
    "setting": {
        "beach": "seaside/shore/seashore/coast/sea/ocean/waterfront/sandy beach/shoreline",
        "park": "garden/meadow/lawn/grassland/parkland",
        "city": "town/street/skyline/cityscape/downtown/city street/metropolis",
        "desert": "dunes/sand dunes/sahara", "forest": "woods/jungle/woodland/rainforest/rain forest/grove",
        "snowfield": "snowy field/field of snow/tundra/snowy landscape/snow-covered field",
        "room": "bedroom/kitchen/living room/indoors/parlour/dining room/lounge",
        "space": "outer space/cosmos/universe/galaxy",
    },
    "time": {
        "sunset": "dusk/sunrise/dawn/twilight/evening/sundown/nightfall/golden hour/setting sun/daybreak",
        "night": "nighttime/midnight/moonlight/moonlit/starlit/after dark/night sky",
    },
    "weather": {
        "cloudy": "clouds/overcast/cloudy skies/grey skies/clouded",
        "rain": "rainy/raining/rainfall/drizzle/downpour/showers",
        "snow": "snowy/snowing/snowfall/snowstorm/snowflakes/blizzard", "fog": "foggy/mist/misty/haze/smog",
    },
    "style": {"sketch": "sketched/pencil drawing/line drawing", "pastel": "pastels/chalk drawing",
    "neon": "neon lights/neon sign"},
}  # fmt: skip
FRAMES = {"kind": "a {}", "colour": "a {} boat", "size": "a {} boat", "place": "a boat {}"}
"""How a phrase of each kind of fact is used; facts of the scene stand alone."""

CHINESE = {
    "kind": {
        "balloon": "热气球", "bird": "鸟儿/海鸥/鸽子/猫头鹰", "boat": "轮船/帆船/渔船/游艇", "car": "轿车/出租车/跑车",
        "cat": "猫咪", "castle": "堡垒/古堡/宫殿", "chair": "凳子/扶手椅", "clock": "闹钟/挂钟", "crown": "王冠",
        "cup": "茶杯/马克杯",
        "dog": "狗狗", "fish": "金鱼", "flower": "鲜花/玫瑰/郁金香/向日葵", "hat": "礼帽/草帽",
        "house": "屋子/木屋/别墅",
        "lamp": "灯笼/路灯", "mushroom": "香菇", "plane": "客机/喷气机", "robot": "机械人", "rocket": "宇宙飞船",
        "star": "五角星", "tree": "松树/橡树/棕榈树", "umbrella": "阳伞/遮阳伞", "book": "书本/小说",
    },
    "setting": {
        "beach": "沙滩/海边/海岸/大海", "park": "花园/草地/草坪", "city": "都市/街道/城镇", "desert": "沙丘/荒漠",
        "forest": "树林/丛林/雨林", "snowfield": "雪原", "room": "卧室/客厅/厨房/室内", "space": "宇宙/外太空/银河",
    },
    "time": {"sunset": "夕阳/夕阳下/黄昏/傍晚/日出/黎明/夕阳西下", "night": "夜里/晚上/深夜/午夜/月夜/夜空"},
    "weather": {"cloudy": "阴天/乌云/多云天气", "rain": "下大雨/暴雨/雨天", "snow": "下大雪/雪花/暴风雪",
    "fog": "大雾/薄雾/浓雾"},
    "style": {"sketch": "铅笔画/速写", "pastel": "粉彩/蜡笔画", "neon": "霓虹/霓虹灯"},
}  # fmt: skip
CHINESE_ADJECTIVES = {
    "colour": {
        "red": "鲜红/深红", "orange": "橘/橙黄", "yellow": "金黄/金", "green": "翠绿/墨绿", "blue": "天蓝/深蓝",
        "purple": "深紫",
        "pink": "粉红/桃红", "brown": "褐/咖啡", "black": "乌黑", "white": "雪白/洁白",
    },
    "size": {"small": "小/微小/迷你", "big": "大/巨大/庞大/很大"},
}  # fmt: skip
TRADITIONAL = [
    ("一隻紅色的貓", "kind=cat colour=red"), ("兩艘藍色的船", "kind=boat colour=blue count=2"),
    ("左邊有一隻鳥", "kind=bird place=left"), ("海灘上有一輛綠色的車", "setting=beach kind=car colour=green"),
    ("三個氣球，夜裡", "time=night kind=balloon count=3"), ("一個時鐘，右邊", "kind=clock place=right"),
    ("一棟黃色的房屋", "kind=house colour=yellow"), ("樹林裡有一條魚", "setting=forest kind=fish"),
    ("一架飛機在頂上", "kind=plane place=top"), ("起霧的沙漠", "setting=desert weather=fog"),
    ("一把紫色的雨傘，雲", "weather=cloudy kind=umbrella colour=purple"), ("房間裡有一盞檯燈",
    "setting=room kind=lamp"),
    ("一隻風箏", "kind=kite"), ("公園裡有一個蘋果", "setting=park kind=apple"), ("鑰匙在中間", "kind=key place=middle"),
    ("沒有紅色的貓", ""), ("不是藍色而是紅色的貓", "kind=cat colour=red"), ("夕陽下，一朵花",
    "time=sunset kind=flower"),
    ("一個機器人，畫面右邊", "kind=robot place=right"), ("幾隻小狗", "kind=dog size=small count=several"),
]  # fmt: skip
SENTENCES = [
    ("several fishes in the sea at sundown", "setting=beach time=sunset kind=fish count=several"),
    ("a dozen apples", "kind=apple count=several"), ("some cacti", "kind=cactus count=several"),
    ("a few cactuses", "kind=cactus count=several"), ("lots of birds", "kind=bird count=several"),
    ("many ferries", "kind=boat count=several"), ("boats", "kind=boat count=several"),
    ("a couple of canaries", "kind=bird count=2"), ("a pair of cups", "kind=cup count=2"),
    ("a trio of hats", "kind=hat count=3"), ("a single key", "kind=key"), ("a lone tree", "kind=tree"),
    ("a group of tiny butterflies", "kind=butterfly size=small count=several"), ("a fish", "kind=fish"),
    ("a boat that is red", "kind=boat colour=red"), ("a boat which is big and red", "kind=boat colour=red size=big"),
    ("the boats are blue", "kind=boat colour=blue count=several"), ("a boat painted green", "kind=boat colour=green"),
    ("a red-coloured boat", "kind=boat colour=red"), ("a boat under a blue sky", "kind=boat"),
    ("the boat is on the left side of the image", "kind=boat place=left"), ("a cat atop a book",
    "kind=book kind=cat relation=above"),
    ("一些猫", "kind=cat count=several"), ("几只鸟", "kind=bird count=several"), ("许多花",
    "kind=flower count=several"),
    ("一对杯子", "kind=cup count=2"), ("树下有一只猫", "kind=tree kind=cat relation=below"),
    ("船是红色的", "kind=boat colour=red"), ("房子很大", "kind=house size=big"), ("图中左侧有一只狗",
    "kind=dog place=left"),
]  # fmt: skip


def _facts(text: str) -> str:
    scene, unknown = read(text)
    assert not unknown, (text, unknown)
    return " ".join(f"{atom.attribute}={atom.value}" for atom in atoms(scene))


def _table() -> list[tuple[str, str]]:
    rows = [
        (FRAMES.get(what, "{}").format(phrase), what, value)
        for what, values in ENGLISH.items()
        for value, listed in values.items()
        for phrase in listed.split("/")
    ]
    rows += [
        (f"一个{phrase}" if what == "kind" else phrase, what, value)
        for what, values in CHINESE.items()
        for value, listed in values.items()
        for phrase in listed.split("/")
    ]
    rows += [
        (f"一艘{phrase}{'色' if what == 'colour' else ''}的船", what, value)
        for what, values in CHINESE_ADJECTIVES.items()
        for value, listed in values.items()
        for phrase in listed.split("/")
    ]
    boat = {"colour", "size", "place"}
    return [(text, f"{'kind=boat ' if what in boat else ''}{what}={value}") for text, what, value in rows]


@pytest.mark.parametrize(("text", "facts"), [*_table(), *SENTENCES, *TRADITIONAL])
def test_a_phrase_states_what_is_meant(text: str, facts: str) -> None:
    assert _facts(text) == facts


def test_the_table_is_long_enough_to_mean_something() -> None:
    assert len(_table()) + len(SENTENCES) + len(TRADITIONAL) >= 400


def test_the_table_of_traditional_characters_covers_the_vocabulary_and_no_more() -> None:
    vocabulary = {sign for word in chinese() for sign in word}
    assert len(_TRADITIONAL) == len(_SIMPLIFIED) == len(set(_TRADITIONAL))
    assert not set(_TRADITIONAL) & vocabulary
    assert set(_SIMPLIFIED) <= vocabulary
    assert all(simplified(word) == word for word in chinese())


@pytest.mark.parametrize(
    "text", ["a horse", "a sofa", "a teal boat", "five cats", "a boat next to a cat", "一列火车", "一只海豚"]
)
def test_what_the_world_cannot_draw_stays_unknown(text: str) -> None:
    assert read(text).unknown
