"""The book's colours, each with one meaning from the first page to the last. Standard library only.

A page knows them by variables named after the light theme's colour: `--c-0072B2` fills a shape, `--i-0072B2` is the ink
of words about it, and `--o-0072B2` the ink of words on it. Shapes have at least 3 : 1 to the page (the two lighter
tints, which have words on them, 1.7 : 1) and words 4.5 : 1.
"""

from __future__ import annotations

BASIC = "#0072B2"  # Okabe and Ito's blue
BOTTLENECK = "#D55E00"  # and their vermillion
LIGHT_BASIC = "#9CCAE6"  # a lighter tint of each, for items shown for comparison
LIGHT_BOTTLENECK = "#F3B78F"
CONTEXT = "#8A8F98"  # the shortcut, and other context
ACCENT = "#AA3377"  # the reader's own choice

OF_BLOCK = {"basic": BASIC, "bottleneck": BOTTLENECK}

# In the light theme and in the dark one: a shape, words about it, words on it.
THEMES = {
    "light": {
        BASIC: (BASIC, BASIC, "#FFFFFF"),
        BOTTLENECK: (BOTTLENECK, "#B34700", "#111111"),
        LIGHT_BASIC: (LIGHT_BASIC, "#2F6C93", "#111111"),
        LIGHT_BOTTLENECK: (LIGHT_BOTTLENECK, "#8F5326", "#111111"),
        CONTEXT: (CONTEXT, "#626973", "#111111"),
        ACCENT: (ACCENT, ACCENT, "#FFFFFF"),
    },
    "dark": {
        BASIC: ("#56B4E9", "#56B4E9", "#111111"),
        BOTTLENECK: ("#F0894A", "#F0894A", "#111111"),
        LIGHT_BASIC: ("#2F6C93", "#9CCAE6", "#FFFFFF"),
        LIGHT_BOTTLENECK: ("#8F5326", "#F3B78F", "#FFFFFF"),
        CONTEXT: ("#8A8F98", "#A3ACB7", "#111111"),
        ACCENT: ("#E68AC0", "#E68AC0", "#111111"),
    },
}
# The page's own: ink, quiet ink, lines, soft ground, grid, the page, the reader's mark, and right and wrong answers.
PAGE = {
    "light": {
        "ink": "#24292f",
        "quiet": "#57606a",
        "line": "#d5d9de",
        "soft": "#f3f5f7",
        "grid": "#e3e5e8",
        "page": "#ffffff",
        "mark": ACCENT,
        "right": "#1A7340",
        "wrong": "#B3261E",
    },
    "dark": {
        "ink": "#ced6dd",
        "quiet": "#9aa4af",
        "line": "#3d444d",
        "soft": "#22272e",
        "grid": "#3a3f45",
        "page": "#14181e",
        "mark": "#e68ac0",
        "right": "#63C78E",
        "wrong": "#F59A92",
    },
}
LIGHT = ":root,[data-rl-theme=light]"
DARK = "html[data-theme=dark],body[data-jp-theme-light=false],[data-rl-theme=dark]"  # on a screen; paper is light


def palette() -> str:
    """Return the colours as variables of a style sheet, for the light and the dark theme."""
    light, dark = (_variables(theme) for theme in ("light", "dark"))
    return f"{LIGHT}{{{light}}}\n@media screen{{{DARK}{{{dark}}}}}\n"


def _variables(theme: str) -> str:
    named = {f"--rl-{name}": colour for name, colour in PAGE[theme].items()}
    for of, colours in THEMES[theme].items():
        named |= {f"--{kind}-{of[1:]}": colour for kind, colour in zip("cio", colours, strict=True)}
    return "".join(f"{name}:{colour};" for name, colour in named.items())
