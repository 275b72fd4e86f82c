"""What the reader sees: explorers, figures, drawings and questions."""

from resnet_lib.show.drawing import Drawing, draw
from resnet_lib.show.explorer import Explorer, explore
from resnet_lib.show.questions import predict, quiz
from resnet_lib.show.unknown import largest, text

__all__ = ["Drawing", "Explorer", "draw", "explore", "largest", "predict", "quiz", "text"]
