"""The book's colours, each with one meaning from the first page to the last. Standard library only."""

BASIC = "#0072B2"  # Okabe and Ito's blue
BOTTLENECK = "#D55E00"  # and their vermillion
LIGHT_BASIC = "#9CCAE6"  # a lighter tint of each, for items shown for comparison
LIGHT_BOTTLENECK = "#F3B78F"
CONTEXT = "#8A8F98"  # the shortcut, and other context
ACCENT = "#AA3377"  # the reader's own choice

OF_BLOCK = {"basic": BASIC, "bottleneck": BOTTLENECK}
