"""What the reader sees: explorers and figures."""

from resnet_lib.show.explorer import Explorer, explore
from resnet_lib.show.figures import hourglass, two_ways, where_it_pays, whole_story
from resnet_lib.show.unknown import largest, text

__all__ = ["Explorer", "explore", "hourglass", "largest", "text", "two_ways", "where_it_pays", "whole_story"]
