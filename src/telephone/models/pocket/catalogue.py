"""All pocket nets: a new net is one line here. Provider, recipes, weight files and roster are derived from it."""

from telephone.models.pocket import (
    blip,
    blip_2,
    clip,
    clip_causes,
    clip_interrogator,
    clip_prefix,
    clipdraw,
    dalle_1,
    dalle_2,
    dalle_mini,
    glide,
    instruction_following,
    minigpt_4,
    mplug_owl,
    noised_clip,
    scene_reader,
    stable_diffusion,
    vqgan_clip,
)
from telephone.models.pocket.pocket_net import PocketNet, provider_of

NETS: tuple[PocketNet, ...] = (
    stable_diffusion.NET,
    dalle_2.NET,
    dalle_1.NET,
    dalle_mini.NET,
    glide.NET,
    vqgan_clip.NET,
    clipdraw.NET,
    mplug_owl.NET,
    minigpt_4.NET,
    blip.NET,
    clip_prefix.NET,
    blip_2.NET,
    blip.CAPTION_REWARD,
    clip_interrogator.NET,
    clip.NET,
    clip_causes.NET,
    vqgan_clip.VQGAN,
    dalle_1.DVAE,
    noised_clip.NET,
    blip.ANSWERING,
    instruction_following.LANGUAGE_MODEL,
    scene_reader.NET,
)
"""Models in the order of the roster and of the list of models, then the nets that are only parts of others."""

provider = provider_of("pocket", NETS)
"""The provider `pocket`; lists its models without importing torch."""

RECIPES: dict[str, str] = {net.name: net.recipe for net in NETS if net.recipe} | {
    "dalle-2-decoder": "telephone.train.dalle_2_decoder",
}
"""Recipe modules by the name of the net that they train, and recipes that continue the training of a part."""

WEIGHT_FILES: dict[str, str] = {file: net.name for net in NETS for file in net.files}
"""Names of the recipes by the weight file (without its extension) that they write."""
