"""English words and phrases of every value of the pocket world, beside the words of captions.

Only words that name the same thing are listed: a word that states more than the world can draw (a horse, a sofa, teal)
stays unknown, so that a prompt with it is reported as uncountable instead of counted in part.
"""

ENGLISH: dict[str, dict[str, str]] = {
    "kind": {
        "apple": "crab apple/apple fruit",
        "balloon": "air balloon/hot air balloon/party balloon/toy balloon",
        "banana": "plantain",
        "bell": "handbell/hand bell/church bell/cowbell/chime/jingle bell",
        "bird": "seagull/gull/sparrow/pigeon/duck/owl/dove/robin/crow/raven/eagle/hawk/parrot/finch/songbird/swan/"
                "heron/"
                "falcon/magpie/canary/birdie/stork",
        "boat": "ship/sailboat/sailing boat/yacht/canoe/vessel/dinghy/rowboat/rowing boat/kayak/ferry/steamboat/"
                "motorboat/motor boat/speedboat/schooner/tugboat/fishing boat/sailing ship/gondola/barge/steamship",
        "book": "novel/notebook/textbook/tome/booklet/paperback/hardback/storybook",
        "butterfly": "moth/monarch butterfly",
        "cactus": "saguaro/prickly pear",
        "car": "automobile/taxi/cab/auto/sedan/vehicle/hatchback/motorcar/motor car/coupe/limousine/limo/convertible/"
               "jeep/sports car/race car/racing car/roadster/motor vehicle",
        "castle": "fortress/palace/citadel/chateau/stronghold/fort",
        "cat": "kitten/kitty/feline/tomcat/tabby/pussycat/house cat/tabby cat/tom cat",
        "chair": "stool/armchair/seat/rocking chair/deckchair/deck chair/dining chair/arm chair",
        "clock": "alarm clock/timepiece/wall clock/grandfather clock",
        "crown": "tiara/diadem/coronet",
        "cup": "mug/teacup/coffee cup/tea cup/beaker/goblet/chalice/coffee mug/tumbler",
        "dog": "puppy/doggy/hound/corgi/pup/canine/poodle/labrador/beagle/terrier/dachshund/spaniel/husky/bulldog/"
               "sheepdog/collie/doggie/pooch/golden retriever/retriever/greyhound",
        "fish": "goldfish/trout/carp/tuna/minnow/clownfish/angelfish",
        "flower": "rose/tulip/daisy/blossom/lily/sunflower/daffodil/poppy/marigold/carnation/dandelion/peony/"
                  "buttercup/wildflower/orchid",
        "hat": "cap/top hat/bonnet/beret/fedora/sombrero/bowler/bowler hat/sun hat/straw hat/cowboy hat/beanie/"
               "baseball cap",
        "heart": "love heart/heart shape/heart symbol/valentine",
        "house": "cottage/hut/cabin/bungalow/villa/farmhouse/townhouse/mansion/chalet/dwelling",
        "key": "door key/latchkey/house key/skeleton key",
        "kite": "paper kite/box kite",
        "lamp": "lantern/desk lamp/table lamp/floor lamp/street lamp/lamppost/streetlight/street light/standing lamp",
        "mushroom": "toadstool/champignon/fly agaric/fungus",
        "plane": "airplane/aeroplane/aircraft/jet/airliner/jetliner/biplane/jumbo jet/jet plane/fighter jet/air plane",
        "robot": "android/droid/automaton/cyborg/bot/humanoid robot",
        "rocket": "spaceship/spacecraft/rocket ship/space ship/space rocket/space shuttle/starship/missile",
        "star": "pentagram/shooting star/five pointed star",
        "tree": "pine/oak/palm tree/fir/palm/maple/birch/spruce/willow/sapling/pine tree/oak tree/fir tree/apple tree/"
                "christmas tree/elm/cedar/conifer/evergreen/coconut tree/cherry tree/maple tree",
        "umbrella": "parasol/brolly/sunshade/sun umbrella/beach umbrella/sun shade",
    },
    "colour": {
        "red": "scarlet/crimson/ruby/maroon/vermilion/reddish/cherry red/burgundy/carmine/blood red/ruby red/brick red",
        "orange": "tangerine/orangish/apricot/orangey",
        "yellow": "golden/gold/yellowish/lemon yellow/mustard/canary yellow",
        "green": "emerald/olive/jade/greenish/lime green/forest green/olive green/grass green/emerald green/lime",
        "blue": "navy/azure/cobalt/sapphire/bluish/cerulean/ultramarine/sky blue/navy blue/royal blue/baby blue/cyan/"
                "turquoise",
        "purple": "violet/lilac/lavender/mauve/purplish/amethyst",
        "pink": "magenta/rosy/fuchsia/pinkish/hot pink/rose pink/salmon pink",
        "brown": "tan/chestnut/brownish/tawny/auburn/chocolate brown/chocolate coloured/chocolate colored",
        "black": "jet black/ebony/blackish/pitch black/coal black",
        "white": "snow white/ivory/whitish/off white/pearl white",
    },
    "size": {
        "small": "tiny/little/mini/miniature/wee/petite/minuscule/smallish/diminutive/teeny/smaller/smallest/"
                 "small sized/undersized/tiniest/littlest/microscopic",
        "big": "large/huge/giant/enormous/gigantic/massive/oversized/colossal/immense/vast/bigger/biggest/larger/"
               "largest/"
               "big sized/large sized/sizable/sizeable/mammoth/jumbo/humongous/oversize",
        "medium": "medium sized/mid sized/average sized/normal sized/regular sized/middle sized",
    },
    "count": {
        "1": "single/lone/solitary/sole/only one/exactly one",
        "2": "pair of/couple of/duo of/two of/twin/exactly two",
        "3": "trio of/three of/exactly three/triple",
        "4": "four of/quartet of/foursome of/exactly four",
        "several": "some/many/few/multiple/numerous/dozen/dozens/dozens of/dozen of/half dozen/handful of/lots of/"
                   "lot of/"
                   "plenty of/group of/bunch of/cluster of/row of/flock of/herd of/pack of/swarm of/fleet of/countless/"
                   "innumerable/hundreds of/scores of/loads of/myriad/more than one/at least two/a few/various",
    },
    "place": {
        "left": "bottom left/lower left/far left/leftmost/middle left/center left/centre left/left middle/left center/"
                "left centre/bottom left hand/lower left hand/left hand",
        "middle": "center/centre/central/bottom/bottom middle/bottom center/bottom centre/lower middle/lower center/"
                  "lower centre/bottom central/very middle/midst",
        "right": "bottom right/lower right/far right/rightmost/middle right/center right/centre right/right middle/"
                 "right center/right centre/bottom right hand/lower right hand/right hand",
        "top left": "upper left/top left hand/upper left hand/left top",
        "top": "top middle/top center/top centre/in the sky/upper middle/upper center/upper centre/overhead/"
               "in the air/up high/middle top/topmost/up above/in the heavens",
        "top right": "upper right/top right hand/upper right hand/right top",
    },
    "relation": {
        "left of": "left from/left side of/left hand side of/leftward of",
        "right of": "right from/right side of/right hand side of/rightward of",
        "above": "over/on top of/top of/atop/higher than/up above the",
        "below": "under/beneath/underneath/lower than/down below the",
    },
    "setting": {
        "beach": "seaside/shore/seashore/coast/sea/ocean/seafront/shoreline/coastline/waterfront/sea shore/sandy beach/"
                 "sandy shore/beachside/oceanfront/seascape/sea side/seacoast",
        "park": "garden/meadow/parkland/lawn/grassland/grassy field/gardens/meadows/playground",
        "city": "town/street/skyline/urban/cityscape/downtown/metropolis/streets/city street/city centre/city center/"
                "inner city",
        "desert": "dunes/sand dunes/dune/sahara/sand dune/deserts",
        "forest": "woods/jungle/woodland/rainforest/rain forest/woodlands/forests/grove/pine forest",
        "snowfield": "snowy field/snow field/field of snow/tundra/snow covered field/snowy landscape/snowy ground/"
                     "snowscape/snow covered ground/snow covered landscape/snowfields/snowy plain",
        "room": "bedroom/kitchen/living room/indoors/indoor/interior/lounge/dining room/bathroom/parlour/parlor/"
                "sitting room/classroom/chamber/indoor room",
        "space": "outer space/cosmos/galaxy/universe/deep space/outerspace/milky way",
    },
    "time": {
        "day": "daytime/daylight/noon/morning/afternoon/sunny/midday/broad daylight/noontime/forenoon",
        "sunset": "dusk/sunrise/dawn/twilight/evening/sundown/nightfall/gloaming/golden hour/daybreak/sunup/"
                  "setting sun/"
                  "sun sets/sunsets/eventide/sun is setting/sun setting/rising sun",
        "night": "nighttime/midnight/moonlit/night time/moonlight/starlit/starlight/night sky/nocturnal/after dark/"
                 "nightly/dark night",
    },
    "weather": {
        "clear": "clear sky/clear skies/cloudless/cloudless sky/fair weather/sunshine/blue sky/blue skies/fine weather/"
                 "clear weather",
        "cloudy": "clouds/cloud/overcast/clouded/grey sky/gray sky/grey skies/gray skies/cloudy sky/cloudy skies/"
                  "cloud covered/overcast sky",
        "rain": "rainy/raining/rains/rainstorm/rainfall/drizzle/drizzling/drizzly/downpour/shower/showers/raindrops/"
                "pouring rain/wet weather/thunderstorm/rainy weather",
        "snow": "snowy/snowing/snows/snowfall/blizzard/snowstorm/snowflakes/snowflake/falling snow/flurries/"
                "snowy weather",
        "fog": "foggy/mist/misty/haze/hazy/mists/smog/fogs/foggy weather",
    },
    "style": {
        "flat": "",
        "sketch": "sketched/pencil drawing/sketches/line drawing/pencil art/line art/sketchy/pencil sketches/"
                  "charcoal drawing",
        "pastel": "pastels/chalk drawing/pastel colours/pastel colors/soft pastel/crayon drawing/chalk pastel",
        "neon": "neon lights/neon light/neon sign/neon glow/fluorescent/neon colours/neon colors",
    },
}  # fmt: skip
"""Slash-separated synonyms of each value; the value itself is always understood."""

SHADES = ("dark", "light", "bright", "pale", "deep", "vivid", "soft", "solid")
"""Words before a colour that leave it the same colour."""
IRREGULAR_PLURALS = {
    "fish": "fish/fishes", "cactus": "cacti/cactuses", "aircraft": "aircraft", "spacecraft": "spacecraft",
    "fungus": "fungi/funguses", "chateau": "chateaux", "goldfish": "goldfish/goldfishes", "trout": "trout",
    "clownfish": "clownfish", "angelfish": "angelfish", "tuna": "tuna",
}  # fmt: skip
"""Slash-separated plurals that are not regular."""

STRUCTURE = {
    "article": "a/an/the",
    "another": "another/one more/a second/a third/yet another/the other/a different",
    "and": "and",
    "or": "or",
    "but": "but/however/yet/though/although/whereas/only",
    "be": "is/are/was/were/be/painted/coloured/colored/becomes",
    "there": "there/here",
    "pronoun": "it/they/them",
    "possessive": "its/their",
    "picture": "picture/image/photo/photograph/drawing/painting/illustration/scene/view/shot/artwork/pictures/images/"
               "frame/canvas/composition",
    "no": "no/zero",
    "nothing": "nothing/none/nobody/no one/nowhere",
    "not": "not/never/neither/nor/no longer/isnt/arent/wasnt/cannot",
    "without": "without/lacking/lacks/instead of/rather than/in place of/except/except for/excluding/devoid of/free of/"
               "free from/in lieu of/unlike/lack/apart from/other than/minus",
    "non": "non",
    "present": "visible/present/seen/shown/depicted/pictured",
    "absent": "absent/missing/gone/nonexistent",
    "stop": (
        "of/on/in/at/to/with/by/for/from/this/that/his/her/my/your/our/as/into/onto/out/up/so/has/have/had/very/am/"
        "been/"
        "being/which/who/where/while/then/than/these/those/he/she/we/you/i/also/too/can/s/t/quite/rather/really/just/"
        "both/each/any/every/all/does/do/did/against/located/positioned/placed/situated/appears/appear/seems/"
        "featuring/features/"
        "containing/contains/includes/including/showing/shows/depicting/depicts/hand/set/kind/what/could/will/would"
    ),
    "silent": (
        "pencil/once/upon/time/stood/stand/stands/standing/lived/came/along/somebody/drew/"
        "not only/not just/not merely/not simply/nothing but/nothing except/nothing other than/nothing else/"
        "no one else/"
        "nobody else/none other than/no other than/no more than/no fewer than/no less than/not more than/not less than/"
        "not fewer than/no doubt/without doubt/without a doubt/not to mention/nothing more than/no less/if not/"
        "none but/nobody but/no one but/nothing apart from/no other"
    ),
    "noun": "side/corner/part/empty/sky/sides/corners/edge/half/area/portion/weather/skies",
}  # fmt: skip
"""Slash-separated words that carry the structure of a sentence."""
