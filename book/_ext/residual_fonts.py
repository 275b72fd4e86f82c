"""The book's fonts: Source Serif 4 for text, Source Sans 3 for headings and figures, Source Code Pro for code.

They are served with the book, cut down to the characters of its pages and scripts. Their families are named "RL Serif",
"RL Sans" and "RL Mono", since the licence keeps the name "Source" for the whole fonts. What these lack, such as ⊕,
comes from DejaVu ("RL Signs", "RL Mono Signs"), and is fetched only by pages that show it.

Until a font has come, and where it does not come, text is in a font of the reader's system, scaled so that it takes the
same room: nothing jumps.
"""

from __future__ import annotations

import html
import logging
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import fontpkg_source_code_pro as code_pro
import fontpkg_source_sans_3 as sans_3
import fontpkg_source_serif_4 as serif_4
from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont
from fontTools.varLib.instancer import instantiateVariableFont
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

NODE = Path(__file__).parents[2] / "node_modules"
DEJAVU = NODE / "dejavu-fonts-ttf" / "ttf"
STYLE = "fonts.css"
WEIGHTS = (400, 400, 700)  # from, usual, to: the fonts' own usual weight is that of a hairline
TEXT_FEATURES = ["ccmp", "kern", "liga", "lnum", "locl", "mark", "tnum"]
CODE_FEATURES = ["ccmp", "locl", "mark"]  # in code ":>" and "!=" are two characters
# What a page's script may show besides what the pages hold: figures, messages.
RESERVE = {chr(code) for code in range(32, 127)} | set("\u00a0\u202f×·÷±²³⁰¹⁴⁵⁶⁷⁸⁹ⁿ°–—…−→←↑↓≤≥≈√µ⊕⌈⌉⌊⌋✓✗“”‘’€äöüéßÄÖÜ")

# Of each face its family, its style, its font, where its axes are held, and its features. Few words of captions and
# tables are in italics: a browser slants the sans serif for them.
FACES = [
    ("RL Serif", "normal", serif_4.ROOT / "files" / "SourceSerif4[opsz,wght].ttf", {"opsz": 14}, TEXT_FEATURES),
    ("RL Serif", "italic", serif_4.ROOT / "files" / "SourceSerif4-Italic[opsz,wght].ttf", {"opsz": 14}, TEXT_FEATURES),
    ("RL Sans", "normal", sans_3.ROOT / "files" / "SourceSans3[wght].ttf", {}, TEXT_FEATURES),
    ("RL Mono", "normal", code_pro.ROOT / "files" / "SourceCodePro[wght].ttf", {}, CODE_FEATURES),
]
SIGNS = [
    ("RL Signs", DEJAVU / "DejaVuSans.ttf", {"RL Serif", "RL Sans"}),
    ("RL Mono Signs", DEJAVU / "DejaVuSansMono.ttf", {"RL Mono"}),
]
# A system's font in the place of ours: by how much its letters are wider or narrower, averaged over the book's text.
FALLBACKS = [
    ("RL Serif T", ["Times New Roman", "Liberation Serif", "Tinos", "Nimbus Roman"], 1.169, serif_4),
    ("RL Serif N", ["Noto Serif"], 0.996, serif_4),
    ("RL Serif D", ["DejaVu Serif"], 0.920, serif_4),
    ("RL Sans A", ["Arial", "Liberation Sans", "Helvetica", "Arimo"], 0.929, sans_3),
    ("RL Sans R", ["Roboto"], 0.933, sans_3),
    ("RL Sans N", ["Noto Sans"], 0.883, sans_3),
    ("RL Sans D", ["DejaVu Sans"], 0.816, sans_3),
]
HEIGHTS = {serif_4: (1.036, 0.335), sans_3: (1.024, 0.4)}  # above and below the line, in the fonts' own measure
# It tells of each table that it cuts.
logging.getLogger("fontTools").setLevel(logging.WARNING)


def subset(
    source: Path,
    signs: Iterable[str],
    target: Path,
    *,
    features: list[str] | None = None,
    axes: dict[str, Any] | None = None,
    family: str = "",
) -> set[str]:
    """Write a font with these characters, as far as `source` has them, to `target` as WOFF2; return those it has.

    `axes` are held or limited as given, and `family` takes the place of the font's own names. Without a character that
    `source` has nothing is written.
    """
    font = TTFont(source, recalcTimestamp=False)
    known = font.getBestCmap()
    kept = {sign for sign in signs if ord(sign) in known}
    if not kept:
        return kept
    options = Options(
        hinting=False, notdef_outline=True, drop_tables=["DSIG", "FFTM", "GDEF"] if not axes else ["DSIG"]
    )
    options.layout_features = features or []
    options.name_IDs = [0, 1, 2, 13, 14]  # the notice and the licence stay inside
    subsetter = Subsetter(options)
    subsetter.populate(unicodes=map(ord, kept))
    subsetter.subset(font)
    if axes:  # after the cut: the other order fails
        font = instantiateVariableFont(font, axes)
    if family:
        for record in font["name"].names:
            if record.nameID == 1:
                record.string = family
    font.flavor = "woff2"
    target.parent.mkdir(parents=True, exist_ok=True)
    font.save(target)
    return kept


def shown(folder: Path) -> set[str]:
    """Return all characters of the pages and of the book's script.

    What MathML says is for screen readers, and Chinese words are in a font of the reader's system.
    """
    pages = [page.read_text(encoding="utf-8") for page in folder.rglob("*.html")]
    texts = [html.unescape(re.sub(r"(?s)<math.*?</math>|<span[^>]* lang=\"zh-Hans\">.*?</span>", "", p)) for p in pages]
    texts.append((folder / "_static" / "book.js").read_text(encoding="utf-8"))
    escaped = {chr(int(code, 16)) for text in texts for code in re.findall(r"\\u(?=.{4})([\da-fA-F]{4})", text)}
    return {sign for sign in set().union(*texts, RESERVE, escaped) if sign.isprintable() or sign in RESERVE}


def write_fonts(app: Sphinx, exception: Exception | None) -> None:
    """Write the fonts into `_static`, and the style sheet that names them. Every character must be in some font."""
    if exception or app.builder.format != "html":
        return
    static = Path(app.outdir) / "_static"
    signs = shown(Path(app.outdir))
    rules, has = [], {}
    for family, style, source, held, features in FACES:
        name = f"fonts/{family.replace(' ', '-').lower()}-{style}.woff2"
        axes = {**held, "wght": WEIGHTS}
        has[family] = subset(source, signs, static / name, features=features, axes=axes, family=family)
        rules.append(face(family, f'url("{name}") format("woff2")', style=style, weight="400 700", display="swap"))
    for family, source, families in SIGNS:
        missing = set().union(*(signs - has[other] for other in families))
        name = f"fonts/{family.replace(' ', '-').lower()}.woff2"
        has[family] = subset(source, missing, static / name, family=family)
        unicodes = ",".join(f"U+{ord(sign):X}" for sign in sorted(has[family]))
        rules.append(face(family, f'url("{name}") format("woff2")', display="swap", unicode_range=unicodes))
        if lost := missing - has[family]:
            raise ExtensionError(f"no font of the book has {' '.join(sorted(lost))} ({', '.join(sorted(families))})")
    for family, names, scale, original in FALLBACKS:
        above, below = (f"{height / scale:.1%}" for height in HEIGHTS[original])
        local = ",".join(f'local("{name}")' for name in names)
        sizes = {"size_adjust": f"{scale:.1%}", "ascent_override": above, "descent_override": below}
        rules.append(face(family, local, **sizes, line_gap_override="0%"))
    (static / STYLE).write_text("\n".join(rules), encoding="utf-8")


def face(family: str, source: str, **descriptors: str) -> str:
    """Return the rule of one face. `style`, `weight` and `display` stand for font-style and so on."""
    short = {"style", "weight", "display"}
    named = {f"font-{key}" if key in short else key.replace("_", "-"): value for key, value in descriptors.items()}
    lines = {"font-family": f'"{family}"', "src": source} | named
    return "@font-face{" + ";".join(f"{key}:{value}" for key, value in lines.items()) + "}"


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_css_file(STYLE, priority=100)
    app.connect("build-finished", write_fonts, priority=800)  # the pages are there, their style sheets not yet one
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
