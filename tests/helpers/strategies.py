"""Random descriptions for hypothesis: every field varied, only ever what a description allows."""

from hypothesis import strategies as st

import resnet_lib as rl
from resnet_lib.spec import EXPANSION

CHANNELS = st.integers(1, 40)
GROUPS = st.sampled_from((1, 1, 2, 3, 5))


def _stride_on(draw, block):
    return draw(st.sampled_from((None, "3x3", "1x1"))) if block == "bottleneck" else None


@st.composite
def sizes(draw, at_least):
    """A map's (height, width): the smallest allowed up to a few strides more, odd and non-square among them."""
    side = st.integers(at_least, at_least + 40)
    return draw(side), draw(side)


@st.composite
def networks(draw):
    """(NetworkSpec, (height, width)): a network and an image that it accepts."""
    block = draw(st.sampled_from(("basic", "bottleneck")))
    shortcut = draw(st.sampled_from(("A", "B", "C", "none")))
    groups = draw(GROUPS)
    share = groups if block == "basic" else 1  # a basic block's groups also divide what enters and leaves it
    depths = draw(st.lists(st.integers(1, 3), min_size=1, max_size=4))
    widths = [share * draw(CHANNELS) for _ in depths]
    stem_width = share * draw(CHANNELS)
    if shortcut == "A":  # can only add channels
        widths.sort()
        stem_width = min(stem_width, widths[0] * EXPANSION[block])
    spec = rl.NetworkSpec(
        block=block,
        depths=depths,
        widths=widths,
        stem=draw(st.sampled_from(("imagenet", "cifar"))),
        stem_width=stem_width,
        shortcut=shortcut,
        stride_on=_stride_on(draw, block),
        preactivation=draw(st.booleans()),
        groups=groups,
        width_per_group=draw(st.just(64) | st.integers(-(-64 // min(widths)), 130)),  # an inner width of at least 1
        in_channels=draw(st.integers(1, 4)),
        classes=draw(st.integers(1, 12)),
    )
    return spec, draw(sizes(spec.total_stride))


@st.composite
def blocks(draw):
    """(BlockSpec, (height, width)): a block and the size of a feature map that it accepts."""
    block = draw(st.sampled_from(("basic", "bottleneck")))
    groups = draw(GROUPS)
    share = groups if block == "basic" else 1
    shortcut = draw(st.sampled_from(("identity", "pad", "projection", "none", None)))
    in_channels = share * draw(CHANNELS)
    out_channels = share * draw(CHANNELS)
    if shortcut == "identity":
        out_channels = in_channels
    elif shortcut == "pad":
        in_channels, out_channels = sorted((in_channels, out_channels))
    spec = rl.BlockSpec(
        block,
        in_channels,
        groups * draw(CHANNELS),
        out_channels,
        stride=1 if shortcut == "identity" else draw(st.integers(1, 3)),
        groups=groups,
        shortcut=shortcut,
        stride_on=_stride_on(draw, block),
        preactivation=draw(st.booleans()),
    )
    return spec, draw(sizes(1))
