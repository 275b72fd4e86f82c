"""Write resnet_lib/book/web/widths.js: how wide each character of the figures' font is.

A figure is laid out before any browser has seen it, so its words are measured by this table. The font is Source Sans 3,
in thousandths of its size; a test compares the table with the font (tests/test_scene.py).
"""

from __future__ import annotations

from pathlib import Path

import fontpkg_source_sans_3 as source_sans
from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont
from fontTools.varLib.instancer import instantiateVariableFont

FILE = Path(__file__).parent.parent / "resnet_lib" / "book" / "web" / "widths.js"
SIGNS = "".join(map(chr, range(32, 127))) + "\u00a0\u202f×·÷±²³⁰¹⁴⁵⁶⁷⁸⁹ⁿ°–—…−→←↑↓≤≥≈√µ⊕●○◯◆◇■□✓“”‘’äöüéÄÖÜ"
WEIGHTS = {"REGULAR": 400, "BOLD": 600}
MISSING = 850  # thousandths, of a character that another font has to draw


def advances(weight: int) -> list[int]:
    """Return the width of each of SIGNS at this weight."""
    font = TTFont(source_sans.ROOT / "files" / "SourceSans3[wght].ttf")
    subsetter = Subsetter(Options(notdef_outline=True, layout_features=[]))
    subsetter.populate(text=SIGNS)
    subsetter.subset(font)  # a tenth of the glyphs takes a tenth of the time
    font = instantiateVariableFont(font, {"wght": weight})
    names, widths, unit = font.getBestCmap(), font["hmtx"], font["head"].unitsPerEm
    return [round(1000 * widths[names[ord(sign)]][0] / unit) if ord(sign) in names else MISSING for sign in SIGNS]


def module() -> str:
    """Return the text of widths.js."""
    quoted = SIGNS.replace("\\", "\\\\").replace('"', '\\"').replace("\u00a0", "\\u00a0").replace("\u202f", "\\u202f")
    lines = [
        "/* The widths of Source Sans 3's characters, in thousandths of its size. Written by tools/widths.py. */",
        "",
    ]
    lines.append(f'export const SIGNS = "{quoted}";')
    lines.append(f"export const MISSING = {MISSING}; // of what is not in SIGNS, or not in the font")
    lines += [f"export const {name} = {advances(weight)};" for name, weight in WEIGHTS.items()]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    FILE.write_text(module(), encoding="utf-8")
