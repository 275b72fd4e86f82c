"""The theme's icons: of Font Awesome's two thousand the book ships those that its pages, styles and scripts show."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

from book._ext.residual_fonts import subset

CLASS = re.compile(r"\bfa-([a-z0-9-]+)")
RULE = re.compile(r"([^{}]*):before\{content:\"(\\[\da-f]+|[^\"])\"\}")
# A style sheet names an icon by its code or by the character itself.
CODE = re.compile(r"\\(f[\da-f]{3})|([\ue000-\uf8ff])")
FONTS = {"solid": 900, "brands": 400}
NAMES = {"solid": "Font Awesome 6 Free", "brands": "Font Awesome 6 Brands"}
BASE = """.fa-solid,.fas,.fa-brands,.fab{display:inline-block;font-style:normal;font-variant:normal;line-height:1;
text-rendering:auto;-webkit-font-smoothing:antialiased}
.fa-solid,.fas{font-family:"Font Awesome 6 Free";font-weight:900}
.fa-brands,.fab{font-family:"Font Awesome 6 Brands";font-weight:400}
.fa-lg{font-size:1.25em;line-height:.05em;vertical-align:-.075em}
:root{--fa-style-family-classic:"Font Awesome 6 Free";--fa-font-solid:normal 900 1em/1 "Font Awesome 6 Free";
--fa-font-brands:normal 400 1em/1 "Font Awesome 6 Brands"}
"""


def cut_icons(app: Sphinx, exception: Exception | None) -> None:
    """Write the icons' fonts and style sheet again, with what is shown."""
    if exception or app.builder.format != "html":
        return
    static = Path(app.outdir) / "_static"
    (folder,) = static.glob("vendor/fontawesome/*")
    sheet = folder / "css" / "all.min.css"
    texts = [page.read_text(encoding="utf-8") for page in Path(app.outdir).rglob("*.html")]
    scripts = [file.read_text(encoding="utf-8") for file in (static / "scripts").glob("*.js")]
    styles = [file.read_text(encoding="utf-8") for file in static.rglob("*.css") if file != sheet]
    names = {name for text in texts + scripts for name in CLASS.findall(text)}
    signs = {chr(int(code, 16)) if code else sign for style in styles for code, sign in CODE.findall(style)}
    rules = []
    for selectors, content in RULE.findall(sheet.read_text(encoding="utf-8")):
        if used := names & set(CLASS.findall(selectors)):
            rules += [f'.fa-{name}:before{{content:"{content}"}}' for name in sorted(used)]
            signs.add(chr(int(content[1:], 16)) if content.startswith("\\") else content)
    faces = []
    for font, weight in FONTS.items():
        name = f"fa-{font}-{weight}.woff2"
        if subset(folder / "webfonts" / name, signs, folder / "webfonts" / name):
            source = f'src:url("../webfonts/{name}") format("woff2")'
            faces.append(
                f'@font-face{{font-family:"{NAMES[font]}";font-weight:{weight};font-display:block;{source}}}\n'
            )
    sheet.write_text(BASE + "".join(faces) + "\n".join(rules), encoding="utf-8")


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("build-finished", cut_icons, priority=800)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
