"""The table writer: what it writes, against parsers that we did not write; and that both forms show the same cells."""

import csv
import io
import json
from fractions import Fraction
from html.parser import HTMLParser

import numpy
import pytest
import sympy
import torch
from hypothesis import given
from hypothesis import strategies as st

import resnet_lib as rl
from resnet_lib._table import Table, written
from tests.conftest import ROOT

TEXT = st.text(st.characters(exclude_characters="\r"))  # which Python's csv module does not quote
VALUES = st.one_of(
    st.integers(-(10**20), 10**20), st.floats(), TEXT, st.none(), st.booleans(), st.tuples(st.integers())
)


@st.composite
def tables(draw):
    names = draw(st.lists(TEXT.filter(bool), min_size=1, max_size=4, unique=True))
    row = st.lists(VALUES, min_size=len(names), max_size=len(names))
    total = draw(st.just([]) | row)
    forms = draw(st.lists(st.sampled_from(["", "2", "percent", "G 2", "signed", "m 1 s"]), min_size=len(names)))
    return Table(dict(zip(names, forms, strict=False)), draw(st.lists(row, max_size=4)), total, draw(TEXT))


class Cells(HTMLParser):
    """The cells of an HTML table, as another's parser sees them."""

    def __init__(self, html):
        super().__init__()
        self.rows, self.cell, self.tags = [], None, []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag == "tr":
            self.rows.append([])
        if tag in ("th", "td"):
            self.rows[-1].append("")
            self.cell = tag

    def handle_endtag(self, tag):
        if tag == self.cell:
            self.cell = None

    def handle_data(self, data):
        if self.cell:
            self.rows[-1][-1] += data


@given(tables())
def test_html_shows_the_cells_of_the_text(table):
    cells = table.cells()
    assert Cells(table.html()).rows == [list(row) for row in cells]
    lines = table.text().split("\n")[2 if table.title else 0 :]
    rules = [1, -2] if table.total else [1]
    assert all(set(lines.pop(i)) == {"-"} for i in rules[::-1])
    for line, row in zip(lines, cells, strict=True):
        assert all(cell.rstrip() in line for cell in row)


@given(tables())
def test_csv_and_json_are_read_back(table):
    header, *rows = csv.reader(io.StringIO(table.csv(), newline=""))
    assert header == list(table.columns)
    assert len(rows) == len(table.rows)
    assert [list(row) for row in json.loads(table.json())["rows"]] == [list(table.columns)] * len(rows)


def test_text():
    table = Table(("stage", "MACs"), [("stem", 118_013_952), ("head", 2_048_000)], ("total", 120_061_952), "ResNet")
    assert table.text().splitlines() == [
        "ResNet",
        "",
        "stage         MACs",
        "------------------",
        "stem   118,013,952",
        "head     2,048,000",
        "------------------",
        "total  120,061,952",
    ]
    assert repr(table) == str(table) == table.text()


def test_a_long_table_is_shown_without_its_middle():
    table = rl.table({f"row {i}": i for i in range(1_000)}, total=True)
    shown = repr(table).splitlines()
    assert len(shown) == 34  # 30 rows, the columns' names, the total, two rules
    around = [line.split() for line in shown[16:19]]
    assert around == [["row", "14", "14"], ["…", "971", "more"], ["row", "986", "986"]]
    assert len(Cells(table._repr_html_()).rows) == 32
    assert table.text().count("row ") == 1_000
    assert len(Cells(table.html()).rows) == 1_002


def test_html_says_what_is_a_heading():
    table = Table({"": "", "share": "percent"}, [("a < b", 0.5)], ("total", 0.5), "R & D")
    html = table.html()
    assert "<caption>R &amp; D</caption>" in html
    assert '<td></td><th scope="col" class="rl-n">share</th>' in html  # an empty cell is not a heading
    assert '<tr><th scope="row">a &lt; b</th><td class="rl-n">50.0 %</td></tr>' in html
    assert html.index("<thead>") < html.index("<tbody>") < html.index("<tfoot>")
    (frame,) = (attributes for tag, attributes in Cells(html).tags if tag == "div")
    assert frame == {"class": "rl-table", "role": "group", "aria-label": "R & D", "tabindex": "0"}
    assert "<script" not in html


def test_json():
    table = Table(("network", "macs"), [("x", 1), ("y", 2)], ("total", 3), head={"image": (224, 320)})
    assert json.loads(table.json()) == {
        "image": [224, 320],
        "rows": [{"network": "x", "macs": 1}, {"network": "y", "macs": 2}],
        "total": {"macs": 3},
    }
    assert table.title == "image: 224, 320"


@pytest.mark.parametrize(
    ("value", "form", "text"),
    [
        (1_234_567, "", "1,234,567"),
        (-1_234, "", "-1,234"),
        (2.9726, "", "2.973"),
        (0.0, "", "0.000"),
        (5.6e-5, "", "5.6e-05"),
        (float("nan"), "", "nan"),
        (10**400, "G 2", f"{10**400:,}"),
        ("18 layers", "percent", "18 layers"),
        (None, "", ""),
        (True, "", "True"),
        ((3, 4, 6, 3), "", "3, 4, 6, 3"),
        (0.1234, "percent", "12.3 %"),
        (0.1234, "percent 0", "12 %"),
        (-0.0004, "signed percent 2", "−0.04 %"),
        (-0.0000004, "signed percent", "0.0 %"),
        (0.131, "signed percent", "+13.1 %"),
        (4_089_184_256, "G 2", "4.09 G"),
        (0.01234, "m 1 s", "12.3 ms"),
        (435, "pixels", "435 pixels"),
        (2.9726, "times", "× 2.973"),
        (1, "times 1", "× 1.0"),
        (1000, "signed", "+1,000"),
        (-1000, "signed", "−1,000"),
        (0, "signed", "0"),
        (1.0, "2", "1.00"),
        (numpy.int64(1_000), "", "1,000"),
        (numpy.float32(0.5), "percent", "50.0 %"),
        (torch.tensor(0.5), "2", "0.50"),
        (Fraction(288, 17), "", "288/17"),
        (Fraction(288, 17), "2", "16.94"),
        (sympy.Integer(73728), "", "73,728"),
        (sympy.Rational(288, 17), "times 2", "× 16.94"),
        (18 * sympy.Symbol("c") ** 2 + 4 * sympy.Symbol("c"), "G 2", "18·c² + 4·c"),
        (2 ** sympy.Symbol("n") * sympy.Symbol("c") ** 12, "", "2**n·c¹²"),
    ],
)
def test_forms(value, form, text):
    assert written(value, form) == text


@given(st.integers() | st.floats(allow_nan=False, allow_infinity=False), st.integers(0, 6))
def test_a_number_is_the_one_that_was_given(value, decimals):
    """Read back by Python's own parser: off by at most half of the last place."""
    read = Fraction(written(value, str(decimals)).replace(",", ""))
    nearest = Fraction(float(value))
    assert abs(read - nearest) <= Fraction(1, 2 * 10**decimals)


@pytest.mark.parametrize("form", ["percent two fifths", "M s s", "fancy form"])
def test_unknown_forms(form):
    with pytest.raises(ValueError, match=f"form must be made of .*: '{form}'"):
        Table({"x": form}, [(1,)])


def lines(table):
    return [line.split() for line in table.text().splitlines()]


def test_rows_of_every_kind():
    wanted = [["network", "layers"], ["-" * 15], ["a", "18"], ["b", "34"]]
    assert lines(rl.table([{"network": "a", "layers": 18}, {"network": "b", "layers": 34}])) == wanted
    assert lines(rl.table({"a": 18, "b": 34}, "layers", names="network")) == wanted
    assert lines(rl.table({"a": {"layers": 18}, "b": {"layers": 34}}, names="network")) == wanted
    assert lines(rl.table({"a": [18], "b": [34]}, ["layers"], names="network")) == wanted
    assert lines(rl.table([("a", 18), ("b", 34)], ["network", "layers"])) == wanted
    assert lines(rl.table({"a": 18}))[0] == ["value"]
    row = rl.price(rl.network("resnet18")).rows[0]
    assert list(rl.table([row]).columns) == list(row._fields)
    assert lines(rl.table([row], ["name", "macs"]))[2] == ["conv1", "118,013,952"]


def test_columns_are_chosen_and_a_gap_stays_empty():
    rows = {"a": {"x": 1, "y": 0.5}, "b": {"y": 0.25}}
    assert rl.table(rows, {"y": "percent", "x": ""}).cells()[1:] == [("a", "50.0 %", "1"), ("b", "25.0 %", "")]
    assert rl.table(rows).numeric() == [False, True, True]


def test_totals():
    rows = {"a": {"x": 1, "word": "one"}, "b": {"x": 2, "word": "two"}}
    assert rl.table(rows, total=True).cells()[-1] == ("total", "3", "")
    assert rl.table(rows, total={"word": "all"}).cells()[-1] == ("total", "", "all")
    c = sympy.Symbol("c")
    assert rl.table({"a": c, "b": 2 * c}, total=True).cells()[-1] == ("total", "3·c")


def test_errors():
    with pytest.raises(ValueError, match="rows must hold at least one row"):
        rl.table([])
    with pytest.raises(ValueError, match="columns must be among x, y: 'z'"):
        rl.table([{"x": 1, "y": 2}], ["z"])
    with pytest.raises(ValueError, match="total must be for the columns x: 'y'"):
        rl.table([{"x": 1}], total={"y": 1})
    with pytest.raises(ValueError, match=r"rows must have a value for each of the columns a, b: \(1,\)"):
        rl.table([(1,)], ["a", "b"])


# What notebooks say about tables (JupyterLab's .jp-RenderedHTMLCommon): they are striped, centred and right-aligned.
NOTEBOOK = """
.host table{table-layout:fixed;margin:0 auto;font-size:12px}
:not(.x).host :is(td,th,tr){text-align:right;white-space:normal;max-width:none}
.host tbody tr:nth-child(odd){background:white} .host tbody tr:nth-child(even){background:#f5f5f5}
"""


@pytest.mark.parametrize(("ink", "paper"), [("#24292f", "#fff"), ("#ced6dd", "#14181e")], ids=("light", "dark"))
def test_a_table_in_a_browser(browser, ink, paper):
    """On a phone it scrolls inside itself, by keyboard too; it takes the page's ink; axe finds nothing."""
    html = rl.compare("resnet34", "resnet50")._repr_html_()
    style = f"body{{margin:1rem;color:{ink};background:{paper}}}{NOTEBOOK}"
    with browser.new_context(viewport={"width": 320, "height": 600}) as context:
        page = context.new_page()
        page.set_content(
            f"<!doctype html><html lang=en><title>x</title><style>{style}</style><main class=host>{html}</main>"
        )
        assert page.evaluate("document.documentElement.scrollWidth") == 320
        frame = page.locator(".rl-table")
        assert frame.evaluate("e => e.scrollWidth > e.clientWidth")
        page.keyboard.press("Tab")
        assert frame.evaluate("e => e === document.activeElement")
        page.keyboard.press("End")
        page.keyboard.press("ArrowRight")
        page.wait_for_function("document.querySelector('.rl-table').scrollLeft > 0")
        look = "e => { const s = getComputedStyle(e); return [s.textAlign, s.color, s.backgroundColor, s.whiteSpace] }"
        colour = page.locator("main").evaluate("e => getComputedStyle(e).color")
        clear = "rgba(0, 0, 0, 0)"
        assert page.locator("tbody th").first.evaluate(look) == ["left", colour, clear, "nowrap"]
        assert page.locator("tbody td").first.evaluate(look) == ["right", colour, clear, "nowrap"]
        assert page.locator("tbody tr").first.evaluate(look)[2] == clear
        assert page.get_by_role("rowheader", name="resnet50").count() == 1
        assert page.get_by_role("columnheader", name="MACs", exact=True).count() == 1
        assert page.get_by_role("group", name="1 image of 224 × 224, ratios to resnet34").count() == 1
        page.add_script_tag(path=ROOT / "node_modules" / "axe-core" / "axe.min.js")
        assert page.evaluate("async () => (await axe.run()).violations.map(v => v.id)") == ["page-has-heading-one"]
