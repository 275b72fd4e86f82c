"""Explorers: one figure function, live with a kernel and in the page, readable without either."""

from resnet_lib.book.explore.explorer import Explorer, explore
from resnet_lib.book.explore.symbols import Figure, formatted, largest, pick, smallest

__all__ = ["Explorer", "Figure", "explore", "formatted", "largest", "pick", "smallest"]
