"""Two families of fonts that the tests bring themselves, so that no page is seen in the fonts of one machine only.

In Source Sans 3 a text is a little shorter than in Arial, in DejaVu Sans a sixth longer: the fonts of most systems lie
between them. The first comes from PyPI (pyproject.toml, "site"), the second from npm (package.json).
"""

from __future__ import annotations

import sys
from pathlib import Path

import fontpkg_source_sans_3 as source_sans

DEJAVU = Path(__file__).parent.parent.parent / "node_modules" / "dejavu-fonts-ttf" / "ttf"
WIDE, NARROW = "DejaVu Sans", source_sans.FAMILY
# Only on Linux does Chromium ask fontconfig: elsewhere pages are seen in the system's own fonts.
FAMILIES = (WIDE, NARROW) if sys.platform == "linux" else ("the system's",)

# These folders and none of the machine's. A page finds no Segoe UI, no Helvetica, and comes to the generic families, by
# these names or by those of the two fonts that Chromium takes for them.
CONFIGURATION = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "urn:fontconfig:fonts.dtd">
<fontconfig>
  {folders}
  <cachedir>{cache}</cachedir>
  {aliases}
</fontconfig>
"""
SANS = ("sans-serif", "sans", "system-ui", "serif", "Arial", "Times New Roman")
ALIAS = """<match target="pattern">
    <test name="family"><string>{name}</string></test>
    <edit name="family" mode="assign" binding="strong">{families}</edit>
  </match>"""


def environment(family: str, folder: Path) -> dict[str, str]:
    """What makes a browser show text in `family`: a variable that names a file, which is written into `folder`.

    Code is in DejaVu Sans Mono, and so are in DejaVu Sans the signs that `family` lacks.
    """
    if family not in (WIDE, NARROW):
        return {}
    folders = [DEJAVU] if family == WIDE else [DEJAVU, source_sans.ROOT]
    shown = dict.fromkeys(SANS, (family, WIDE)) | {"monospace": ("DejaVu Sans Mono",)}
    aliases = [
        ALIAS.format(name=name, families="".join(f"<string>{family}</string>" for family in families))
        for name, families in shown.items()
    ]
    file = folder / "fonts.conf"
    file.write_text(
        CONFIGURATION.format(
            folders="\n  ".join(f"<dir>{path}</dir>" for path in folders),
            cache=folder / "cache",
            aliases="\n  ".join(aliases),
        ),
        encoding="utf-8",
    )
    return {"FONTCONFIG_FILE": str(file)}
