"""The built pages, their explorers and questions, in a real browser without a kernel, all other hosts out of reach."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from playwright.sync_api import Browser, Locator, Page

from resnet_lib import colours
from resnet_lib.book.explore import Explorer
from resnet_lib.book.explore.controls import Choice, Slider
from tests.conftest import CHAPTERS
from tests.helpers.layout import address, root, window
from tests.helpers.made import drawings, explorers, grid, questions

Open = Callable[..., Page]

# Put the controls' values as their user would, one setting after the other, and return the numbers that each gives.
SET = """async ([id, settings]) => {
  const root = document.querySelector(`[data-rl-explorer="${id}"]`);
  const shown = [];
  for (const values of settings) {
    for (const input of root.querySelectorAll("[data-control]")) {
      const value = values[input.dataset.control];
      if (input.type === "range") {
        if (Number(input.value) === value) continue;
        input.value = value;
        input.dispatchEvent(new Event("input", { bubbles: true }));
        input.dispatchEvent(new Event("change", { bubbles: true }));
      } else if (input.dataset.option === String(value)) input.click();
    }
    await new Promise(requestAnimationFrame);  // called after the explorer's own, in the same frame
    const cells = [...root.querySelectorAll(".rl-numbers > div:not([hidden])")];
    shown.push(Object.fromEntries(cells.map((c) => [c.children[0].textContent, c.children[1].textContent])));
  }
  return shown;
}"""


# ---- Explorers ---------------------------------------------------------------------------------------------------


def test_what_is_drawn_is_there_to_see(opened: Page, chapter: Path) -> None:
    """Each bar of the figure is an element of the page with a size, inside its explorer."""
    for explorer in explorers(chapter):
        place = root(opened, explorer.id)
        data = explorer.figure()["data"]
        bars = [len(trace["y"]) for trace in data if trace["type"] == "bar"]
        assert place.locator(".rl-plot rect").count() == sum(bars)
        frame = place.bounding_box()
        assert frame
        boxes = (
            "(all) => all.map((part) => part.getBoundingClientRect()).map(({ x, width, height }) => [x, width, height])"
        )
        for x, width, height in place.locator(".rl-plot rect").evaluate_all(boxes):
            assert width + height > 0
            assert (frame["x"] <= x + 1 and x + width <= frame["x"] + frame["width"] + 1) or width > frame["width"]


def test_a_screen_reader_finds_names_and_hears_the_result(opened: Page, chapter: Path) -> None:
    for explorer in explorers(chapter):
        place = root(opened, explorer.id)
        assert place.get_by_role("img", name=explorer.description).count() == 1
        for control in explorer.controls:
            if isinstance(control, Slider):
                assert place.get_by_role("slider", name=control.label).count() == 1
            else:
                group = place.get_by_role("group", name=control.label)
                assert group.get_by_role("radio").count() == len(control.options)
        first = explorer.controls[0]
        end = 0 if first.value == first.values[-1] else -1  # only a change is heard
        if isinstance(first, Slider):
            place.get_by_role("slider", name=first.label).press("End" if end else "Home")
        else:
            place.get_by_role("group", name=first.label).locator("label").nth(end).click()
        status = place.locator(".rl-hidden[role=status]")
        last = list(explorer.figure(**{first.name: first.values[end]})["numbers"].values())[-1]
        opened.wait_for_function("([n, t]) => n.textContent.includes(t)", arg=[status.element_handle(), last])


def test_every_explorer_shows_what_python_computes(opened: Page, chapter: Path) -> None:
    """Its numbers, set by hand; tests/test_scene.py compares the whole figures."""
    made = explorers(chapter)
    assert made
    assert opened.locator("[data-rl-explorer]").count() == len(made)
    for explorer in made:
        root(opened, explorer.id)
        settings = list(grid(explorer))[::5]
        for values, shown in zip(settings, opened.evaluate(SET, [explorer.id, settings]), strict=True):
            assert shown == explorer.figure(**values)["numbers"], explorer.code(values)


def test_mouse_and_keyboard_move_each_control(opened: Page, chapter: Path) -> None:
    for explorer in explorers(chapter):
        place = root(opened, explorer.id)
        numbers = place.locator(".rl-numbers")
        for control in explorer.controls:
            values = explorer.defaults
            inputs = place.locator(f'[data-control="{control.name}"]')
            place.locator(".rl-reset").click()
            if isinstance(control, Slider):
                box = inputs.bounding_box()
                assert box
                opened.mouse.click(box["x"] + 0.75 * box["width"], box["y"] + box["height"] / 2)
                values |= {control.name: number(inputs.input_value())}
                length = control.stop - control.start
                assert abs(values[control.name] - control.start - 0.75 * length) <= max(control.step, 0.1 * length)
                expect_numbers(numbers, explorer.figure(**values))
                for key, value in (("End", control.stop), ("ArrowLeft", control.stop - control.step)):
                    inputs.press(key)
                    expect_numbers(numbers, explorer.figure(**values | {control.name: value}))
                inputs.press("Home")
                expect_numbers(numbers, explorer.figure(**values | {control.name: control.start}))
            else:
                assert isinstance(control, Choice)
                group = place.get_by_role("group", name=control.label)
                for option in control.options:
                    group.locator("label", has_text=re.compile(f"^{re.escape(str(option))}$")).click()
                    expect_numbers(numbers, explorer.figure(**values | {control.name: option}))
                place.locator(".rl-reset").click()
                expect_numbers(numbers, explorer.figure())
                inputs.nth(control.options.index(control.value)).focus()
                opened.keyboard.press("ArrowRight")
                following = control.options[(control.options.index(control.value) + 1) % len(control.options)]
                expect_numbers(numbers, explorer.figure(**values | {control.name: following}))


def number(text: str) -> float:
    return float(text) if "." in text else int(text)


def expect_numbers(numbers: Locator, figure: dict[str, Any]) -> None:
    """The numbers beside the plot become those of the figure, within a few frames."""
    numbers.page.wait_for_function(
        """([node, expected]) => JSON.stringify(expected) === JSON.stringify(
             [...node.querySelectorAll("div:not([hidden])")].map((c) => [...c.children].map((x) => x.textContent)))""",
        arg=[numbers.element_handle(), [list(item) for item in figure["numbers"].items()]],
        timeout=3000,
    )


def test_dragging_redraws_on_the_way(opened: Page, chapter: Path) -> None:
    """A slider is live while the mouse is held, not only when it is let go."""
    sliders = [
        (explorer, control)
        for explorer in explorers(chapter)
        for control in explorer.controls
        if isinstance(control, Slider) and len(control.values) > 5
    ]
    if not sliders:  # a chapter of choices
        assert all(isinstance(control, Choice) for explorer in explorers(chapter) for control in explorer.controls)
        return
    explorer, slider = sliders[0]
    place = root(opened, explorer.id)
    place.locator(".rl-reset").click()
    handle = place.locator(f'[data-control="{slider.name}"]')
    handle.scroll_into_view_if_needed()
    box = handle.bounding_box()
    assert box
    middle = box["y"] + box["height"] / 2
    opened.mouse.move(box["x"] + 8, middle)
    opened.mouse.down()
    seen = []
    try:
        for share in (0.3, 0.6, 0.95):
            opened.mouse.move(box["x"] + share * box["width"], middle, steps=4)
            values = explorer.defaults | {slider.name: number(handle.input_value())}
            expect_numbers(place.locator(".rl-numbers"), explorer.figure(**values))
            seen.append(values[slider.name])
    finally:
        opened.mouse.up()
    assert seen == sorted(set(seen))


def test_presets_reset_and_permalink(opened: Page, chapter: Path) -> None:
    for explorer in explorers(chapter):
        place = root(opened, explorer.id)
        numbers = place.locator(".rl-numbers")
        assert explorer.presets
        for name, preset in explorer.presets.items():
            button = place.get_by_role("button", name=name, exact=True)
            button.focus()
            opened.keyboard.press("Enter")
            expect_numbers(numbers, explorer.figure(**explorer.complete(preset)))
            assert button.get_attribute("aria-pressed") == "true"
        wanted = explorer.complete({c.name: c.values[-1] for c in explorer.controls})
        link = permalink(opened, explorer, wanted)
        assert link.startswith(f"{address(chapter)}#{explorer.id}?")
        place.locator(".rl-reset").click()
        expect_numbers(numbers, explorer.figure())
        opened.evaluate("(hash) => { location.hash = hash }", link.partition("#")[2])
        expect_numbers(numbers, explorer.figure(**wanted))


def permalink(page: Page, explorer: Explorer, wanted: dict[str, Any]) -> str:
    """The page's address, without the site, when the reader has made these settings."""
    page.evaluate(SET, [explorer.id, [wanted]])
    for slider in root(page, explorer.id).locator('[type="range"]').all()[:1]:  # its keys let go of it, SET did not
        slider.press("ArrowLeft")
        slider.press("ArrowRight")
    return page.url.split("/", 3)[3]


def test_a_permalink_opens_a_fresh_page_as_it_was(page: Open) -> None:
    explorer = explorers(CHAPTERS[-1])[-1]
    wanted = explorer.complete({c.name: c.values[-1] for c in explorer.controls})
    link = permalink(page(address(CHAPTERS[-1])), explorer, wanted)
    again = page(link, theme="dark")
    expect_numbers(root(again, explorer.id).locator(".rl-numbers"), explorer.figure(**wanted))


def test_a_damaged_permalink_is_ignored(page: Open) -> None:
    explorer = explorers(CHAPTERS[0])[0]
    opened = page(f"{address(CHAPTERS[0])}#{explorer.id}?width=17&unit=bananas")
    numbers = root(opened, explorer.id).locator(".rl-numbers")
    expect_numbers(numbers, explorer.figure())
    for query in ("width=1e9", "width=", "nonsense=1", "%", "width=%22%3E%3Cscript%3E"):
        opened.evaluate("(hash) => { location.hash = hash }", f"{explorer.id}?{query}")
        expect_numbers(numbers, explorer.figure())


def test_a_changed_hash_moves_the_explorer(page: Open) -> None:
    explorer = explorers(CHAPTERS[0])[0]
    opened = page(address(CHAPTERS[0]))
    place = root(opened, explorer.id)
    opened.evaluate(f"location.hash = '{explorer.id}?width=128'")
    expect_numbers(place.locator(".rl-numbers"), explorer.figure(width=128))


def test_copy_as_code_gives_a_call_that_runs(opened: Page, chapter: Path) -> None:
    for explorer in explorers(chapter):
        place = root(opened, explorer.id)
        values = explorer.complete({c.name: c.values[-1] for c in explorer.controls})
        opened.evaluate(SET, [explorer.id, [values]])
        place.get_by_role("button", name="Copy as code").click()
        place.get_by_role("button", name="Copied").wait_for()
        *imports, call = opened.evaluate("navigator.clipboard.readText()").splitlines()
        here = imports[0].startswith("#")  # the chapter defines the function, and the comment says so
        namespace: dict[str, Any] = {explorer.function.__name__: explorer.function} if here else {}
        exec("\n".join(imports), namespace)
        assert eval(call, namespace) == explorer.figure(**values)["numbers"]


def test_dark_and_light_follow_the_theme(page: Open) -> None:
    opened = page(address(CHAPTERS[0]))
    place = root(opened, explorers(CHAPTERS[0])[0].id)
    colour = "(node) => getComputedStyle(node).fill"
    bar, label = place.locator(".rl-plot rect").first, place.locator(".rl-plot text").first
    light = bar.evaluate(colour), label.evaluate(colour)
    opened.evaluate("document.documentElement.dataset.theme = 'dark'")
    assert bar.evaluate(colour) != light[0] and label.evaluate(colour) != light[1]


def handles(explorer: Explorer) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = explorer.figure()["layout"]["meta"]["handles"]
    return found


def test_what_a_slider_sets_can_be_dragged_in_the_figure(opened: Page, chapter: Path) -> None:
    for explorer in explorers(chapter):
        place = root(opened, explorer.id)
        for handle in handles(explorer):
            place.locator(".rl-reset").click()
            place.scroll_into_view_if_needed()
            slider = place.locator(f'[data-control="{handle["control"]}"]')
            before = number(slider.input_value())
            control = next(control for control in explorer.controls if control.name == handle["control"])
            assert isinstance(control, Slider)
            grip = place.locator(".rl-grip").nth(handles(explorer).index(handle))
            grip.scroll_into_view_if_needed()
            box = grip.bounding_box()
            assert box
            x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
            dx, dy = (0, 1) if handle["along"] == "y" else (1, 0)
            seen = {before}
            for away in (-40, 40):
                opened.mouse.move(x, y)
                opened.mouse.down()
                for share in (0.5, 1):
                    opened.mouse.move(x + share * away * dx, y + share * away * dy)
                opened.mouse.up()
                opened.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
                value = number(slider.input_value())
                seen.add(value)
                expect_numbers(
                    place.locator(".rl-numbers"), explorer.figure(**explorer.complete({control.name: value}))
                )
                place.locator(".rl-reset").click()
            assert len(seen) > 1, (explorer.id, handle)


def test_a_mark_answers_to_the_pointer_and_to_keys(opened: Page, chapter: Path) -> None:
    for explorer in explorers(chapter):
        place = root(opened, explorer.id)
        place.locator(".rl-reset").click()
        plot, bubble = place.locator(".rl-plot"), place.locator(".rl-value")
        plot.focus()
        opened.keyboard.press("ArrowRight")
        assert any(sign.isdigit() for sign in bubble.inner_text())
        assert place.locator("[role=status]").text_content() == bubble.inner_text()
        opened.keyboard.press("Escape")
        assert not bubble.is_visible()


def test_the_former_state_stays_as_a_ghost(page: Open) -> None:
    """And the scale stays while a slider moves: a bar that grows to twice its cost is drawn twice as long."""
    explorer = next(each for each in explorers(CHAPTERS[0]) if each.id == "whole-story")
    opened = page(address(CHAPTERS[0]))
    place = root(opened, explorer.id)
    bar = place.locator(".rl-plot rect[fill*='0072B2']").first
    before = bar.bounding_box()
    slider = place.locator('[data-control="width"]')
    slider.evaluate("(node) => { node.value = 48; node.dispatchEvent(new Event('input', { bubbles: true })) }")
    expect_numbers(place.locator(".rl-numbers"), explorer.figure(width=48))
    after = bar.bounding_box()
    costs = [explorer.figure(width=width)["data"][0]["x"][0] for width in (64, 48)]
    assert before and after
    assert after["width"] / before["width"] == pytest.approx(costs[1] / costs[0], abs=0.02)
    ghosts = place.locator(".rl-plot rect[stroke-dasharray]")
    assert ghosts.count() == 3
    ghost = ghosts.first.bounding_box()
    assert ghost and ghost["width"] == pytest.approx(before["width"], abs=1.5)


@pytest.mark.parametrize("width", [1440, 390])
def test_a_permalink_lands_on_its_explorer(page: Open, width: int) -> None:
    for chapter in CHAPTERS[:3]:
        explorer = explorers(chapter)[-1]
        wanted = explorer.complete({c.name: c.values[-1] for c in explorer.controls})
        query = "&".join(f"{name}={value}".replace(" ", "+") for name, value in wanted.items())
        opened = page(f"{address(chapter)}#{explorer.id}?{query}", width=width, height=900)
        place = root(opened, explorer.id)
        expect_numbers(place.locator(".rl-numbers"), explorer.figure(**wanted))
        opened.wait_for_function(
            """(node) => { const { top, bottom } = node.getBoundingClientRect();
                 const centred = Math.abs((top + bottom) / 2 - innerHeight / 2) < 60;
                 return centred || (top < 120 && bottom > innerHeight - 120) }""",
            arg=place.element_handle(),
        )
        place.locator(".rl-reset").click()
        assert "#" not in opened.url


# ---- Taken along -------------------------------------------------------------------------------------------------

TWO_WAYS = next(each for path in CHAPTERS for each in explorers(path) if each.id == "two-ways")
ITS_PAGE = "book/bottleneck.html"


@pytest.mark.parametrize(("width", "theme"), [(320, "dark"), (760, "light")])
def test_a_figure_is_embedded_alone(page: Open, width: int, theme: str) -> None:
    """By the code that its button copies: nothing of its page around it, a line that says where it is from."""
    opened = page(ITS_PAGE, permissions=["clipboard-read", "clipboard-write"])
    opened.evaluate("(hash) => { location.hash = hash }", "two-ways?channels=512&hide=width")
    root(opened, "two-ways").get_by_role("button", name="Embed").click()
    root(opened, "two-ways").get_by_role("button", name="Copied").wait_for()
    frame = opened.evaluate(
        "navigator.clipboard.readText().then((text) => { document.body.innerHTML = text; return "
        "[document.body.children.length, document.querySelector('iframe').getAttribute('src')] })"
    )
    assert frame[0] == 1
    path = frame[1].split("/", 3)[3]
    assert path.startswith(f"{ITS_PAGE}?embed#two-ways?channels=512") and path.endswith("&hide=width")
    alone = page(path, width=width, height=400, theme=theme)
    place = root(alone, "two-ways")
    expect_numbers(place.locator(".rl-numbers"), TWO_WAYS.figure(channels=512))
    seen = alone.locator("body").inner_text()
    assert "Inside the Residual Block, CC BY 4.0" in seen and "BatchNorm" not in seen and "Copy link" not in seen
    assert alone.locator("body > :visible").count() == 1
    assert alone.evaluate("[document.documentElement.scrollWidth, scrollY]") == [width, 0]
    assert alone.evaluate("document.querySelectorAll('.rl-live').length") == 1  # the others are not even made
    place.locator('[data-control="channels"]').press("End")
    alone.wait_for_url("**two-ways?channels=2048&**")
    home = place.get_by_role("link", name="Inside the Residual Block")
    assert home.get_attribute("href") == re.sub(r"\?embed=?", "", alone.url)
    place.locator(".rl-reset").click()
    assert "#two-ways?" in alone.url  # a reload shows it again


def test_an_embedded_page_is_never_seen_whole(page: Open, browser: Browser, site: str) -> None:
    """Its script does not come: there is nothing yet. And a name that no figure has gets a sentence."""
    with browser.new_context() as context:
        context.route("**/book.js*", lambda route: route.abort())
        opened = context.new_page()
        opened.goto(f"{site}/{ITS_PAGE}?embed#two-ways", wait_until="load")
        assert opened.locator("body > :visible").count() == 0
    for name in ("", '%E0%A4%A"]'):
        opened = page(f"{ITS_PAGE}?embed#{name}")
        said = opened.locator(".rl-embed").inner_text()
        assert said.endswith("two-ways, hourglass, ledger, affordable."), said
        assert opened.locator("body > :visible").count() == 1
    opened.get_by_role("link", name="hourglass").click()
    root(opened, "hourglass")


def test_a_teacher_hides_controls_and_a_reader_gets_them_back(page: Open) -> None:
    opened = page(f"{ITS_PAGE}#two-ways?channels=512&width=128&unit=MACs&hide=width,unit,bananas")
    place = root(opened, "two-ways")
    shown = TWO_WAYS.complete({"channels": 512, "width": 128, "unit": "MACs"})
    expect_numbers(place.locator(".rl-numbers"), TWO_WAYS.figure(**shown))
    visible = ".rl-control:visible [data-control]"
    names = "(all) => [...new Set(all.map((node) => node.dataset.control))]"
    assert place.locator(visible).evaluate_all(names) == ["channels", "size"]
    assert place.locator(".rl-grip").count() == 1  # that of the channels
    assert place.locator(".rl-presets button:visible").all_inner_texts() == ["Reset", "Show all controls"]
    place.locator(".rl-reset").click()  # of what the reader may set
    expect_numbers(place.locator(".rl-numbers"), TWO_WAYS.figure(width=128, unit="MACs"))
    assert opened.url.endswith("&hide=width,unit")
    place.get_by_role("button", name="Show all controls").click()
    assert "hide" not in opened.url
    assert place.locator(visible).evaluate_all(names) == [control.name for control in TWO_WAYS.controls]
    assert place.locator(".rl-presets button:visible").count() == len(TWO_WAYS.presets) + 1
    for query in ("width=1e9&hide=", "w=64&hide=w", "hide=hide", "hide=width%00", "unit=&hide=%"):
        opened.evaluate("(hash) => { location.hash = hash }", f"two-ways?{query}")
        expect_numbers(place.locator(".rl-numbers"), TWO_WAYS.figure())
        assert place.locator(visible).evaluate_all(names) == [control.name for control in TWO_WAYS.controls]


def test_no_control_has_a_name_that_the_address_uses() -> None:
    assert not [each for path in CHAPTERS for each in explorers(path) for c in each.controls if c.name == "hide"]


# How many pixels of an image are of each colour, for those that cover much.
COLOURS = """async (text) => {
  const image = new Image();
  image.src = URL.createObjectURL(new Blob([text], { type: "image/svg+xml" }));
  await image.decode();
  const brush = Object.assign(document.createElement("canvas"), image).getContext("2d");
  brush.canvas.width = image.width;
  brush.canvas.height = image.height;
  brush.drawImage(image, 0, 0);
  const counts = {}, { data } = brush.getImageData(0, 0, image.width, image.height);
  for (let i = 0; i < data.length; i += 4) {
    const key = [...data.slice(i, i + 3)].join();
    counts[key] = (counts[key] || 0) + 1;
  }
  return counts;
}"""


def test_a_figure_is_downloaded_as_it_is_drawn(page: Open) -> None:
    """In light colours, whatever the page's; an XML file without a style sheet, which a browser shows as an image."""
    opened = page(f"{ITS_PAGE}#two-ways?channels=512&unit=MACs", theme="dark")
    place = root(opened, "two-ways")
    with opened.expect_download() as download:
        place.get_by_role("button", name="Download SVG").click()
    assert download.value.suggested_filename == "two-ways_channels-512_width-64_size-56_unit-MACs.svg"
    text = download.value.path().read_text(encoding="utf-8")
    assert "var(" not in text and "class=" not in text
    drawn = ElementTree.fromstring(text)
    svg = "{http://www.w3.org/2000/svg}"
    assert drawn.tag == f"{svg}svg" and drawn.findtext(f"{svg}title") and drawn.findtext(f"{svg}desc")
    assert "CC BY 4.0" in (drawn.findtext(f"{svg}metadata") or "")
    rects = [[float(bar.get(key, 0)) for key in ("x", "y", "width", "height")] for bar in drawn.iter(f"{svg}rect")]
    on_page = "(all) => all.map((bar) => ['x', 'y', 'width', 'height'].map((key) => Number(bar.getAttribute(key))))"
    assert rects == place.locator(".rl-plot rect").evaluate_all(on_page)
    words = ["".join(each.itertext()) for each in drawn.iter(f"{svg}text")]
    assert sorted(words) == sorted(place.locator(".rl-plot text").all_text_contents())
    counts = opened.evaluate(COLOURS, text)
    for colour in (colours.BASIC, colours.BOTTLENECK):
        fill = ",".join(str(int(colour[i : i + 2], 16)) for i in (1, 3, 5))
        area = sum(
            float(bar.get("width", 0)) * float(bar.get("height", 0))
            for bar in drawn.iter(f"{svg}rect")
            if (bar.get("fill") or "").upper() == colour.upper()
        )
        assert 0.6 * area < counts[fill] < 1.1 * area, colour  # words are on it
    licence = place.locator(".rl-tools").get_by_role("link", name="CC BY 4.0")
    assert licence.count() == 1 and licence.get_attribute("href") == "https://creativecommons.org/licenses/by/4.0/"


def test_a_drawing_is_downloaded_as_rl_draw_makes_it(opened: Page, chapter: Path) -> None:
    """Each of those that stand side by side; under them is the licence."""
    rows = opened.locator(".bd-article .rl-draw + .rl-tools")
    assert rows.count() == opened.locator(".bd-article .rl-draw").count()
    for drawing, row in zip(drawings(chapter), rows.all(), strict=True):
        assert row.get_by_role("link", name="CC BY 4.0").count() == 1
        for i, (svg, button) in enumerate(zip(drawing.svgs, row.get_by_role("button").all(), strict=True), 1):
            with opened.expect_download() as download:
                button.click()
            number = f"-{i}" if len(drawing.svgs) > 1 else ""
            assert download.value.suggested_filename == f"{chapter.stem}_drawing{number}.svg"
            saved = download.value.path().read_text(encoding="utf-8")
            origin = re.compile(r"<metadata>Inside the Residual Block, http.+, CC BY 4.0, https://.+</metadata>")
            assert len(origin.findall(saved)) == 1
            assert ElementTree.canonicalize(origin.sub("", saved)) == ElementTree.canonicalize(svg)


# ---- Fingers -----------------------------------------------------------------------------------------------------


# A page that a finger has pushed goes on for a while.
AT_REST = """async () => {
  for (let still = 0, before; still < 10; before = scrollY) {
    await new Promise((done) => requestAnimationFrame(done));
    still = scrollY === before ? still + 1 : 0;
  }
}"""


def test_a_finger_scrolls_sets_drags_and_taps(page: Open) -> None:
    opened = page(ITS_PAGE, width=390, height=844, has_touch=True, is_mobile=True)
    place = root(opened, "two-ways")
    touch = opened.context.new_cdp_session(opened)

    def swipe(x: float, y: float, dx: float, dy: float) -> None:
        touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
        for i in range(1, 9):
            point = {"x": x + dx * i / 8, "y": y + dy * i / 8}
            touch.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [point]})
        touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        opened.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def middle(what: Locator) -> tuple[float, float]:
        opened.evaluate(AT_REST)
        what.evaluate("(node) => node.scrollIntoView({ block: 'center', behavior: 'instant' })")
        box = what.bounding_box()
        assert box
        return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    slider = place.locator('[data-control="width"]')
    scrolled = "Math.round(scrollY)"
    x, y = middle(slider)
    before = opened.evaluate(scrolled)
    swipe(x, y, 3, -200)
    opened.wait_for_function(f"(before) => {scrolled} > before + 100", arg=before)
    assert slider.input_value() == "64"
    assert "#" not in opened.url or "width=64" in opened.url
    x, y = middle(slider)
    before = opened.evaluate(scrolled)
    swipe(x, y, 50, 2)
    assert number(slider.input_value()) > 64 and opened.evaluate(scrolled) == before
    place.locator(".rl-reset").click()
    grip = place.locator(".rl-grip").first
    x, y = middle(grip)
    before = opened.evaluate(scrolled)
    swipe(x, y, -120, 60)
    channels = number(place.locator('[data-control="channels"]').input_value())
    assert channels < 256 and opened.evaluate(scrolled) == before
    expect_numbers(place.locator(".rl-numbers"), TWO_WAYS.figure(channels=channels))
    x, y = middle(place.locator(".rl-plot rect").first)
    opened.touchscreen.tap(x, y)
    place.locator(".rl-value").wait_for()
    assert place.locator(".rl-value").inner_text().startswith("3×3: ")


# The height of an explorer, and of its part from the controls to the numbers, at each of these settings.
HEIGHTS = SET.replace(
    "const cells",
    """const live = root.querySelector(".rl-live").getBoundingClientRect();
    shown.push([live.height, root.querySelector(".rl-plot").getBoundingClientRect().top - live.top]);
    continue;
    const cells""",
)


def test_on_a_phone_an_explorer_stands_still_and_its_numbers_stay_in_sight(opened: Page, chapter: Path) -> None:
    """Controls and numbers are above the plot, in half of a phone's height, and nothing jumps while one drags."""
    with window(opened, 390):
        for explorer in explorers(chapter):
            ends = [explorer.complete({c.name: c.values[i]}) for c in explorer.controls for i in (0, -1)]
            sizes = opened.evaluate(HEIGHTS, [explorer.id, ends])
            assert len({height for height, _ in sizes}) == 1, (explorer.id, sizes)
            assert sizes[0][1] < 422, (explorer.id, sizes)
            root(opened, explorer.id).locator(".rl-reset").click()


# How an explorer's choices are marked, chosen and not; and its figure's contrasts: of words to what is behind them, of
# shapes to the page.
FORCED = """(id) => {
  const root = document.querySelector(`[data-rl-explorer="${id}"] .rl-live`), plot = root.querySelector(".rl-plot");
  const light = (colour) => {
    const [r, g, b] = colour.match(/[\\d.]+/g).map((v) => v / 255)
      .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ratio = (...two) => {
    const [a, b] = two.map(light).sort((a, b) => b - a);
    return (a + 0.05) / (b + 0.05);
  };
  const paper = getComputedStyle(document.body).backgroundColor, fill = (node) => getComputedStyle(node).fill;
  const bars = [...plot.querySelectorAll(".rl-svg rect")].filter((bar) => fill(bar) !== "none");
  const behind = (text) => {
    const { x, y, width, height } = text.getBoundingClientRect();
    const under = bars.filter((bar) => bar.compareDocumentPosition(text) & Node.DOCUMENT_POSITION_FOLLOWING)
      .filter((bar) => { const b = bar.getBoundingClientRect(), mx = x + width / 2, my = y + height / 2;
        return b.left < mx && mx < b.right && b.top < my && my < b.bottom; });
    return under.length ? fill(under.at(-1)) : paper;
  };
  const marked = (node) => { const { outlineStyle, outlineColor, outlineWidth } = getComputedStyle(node);
    return outlineStyle === "solid" && parseFloat(outlineWidth) >= 2 && ratio(outlineColor, paper) >= 3; };
  return {
    chosen: [...root.querySelectorAll("[aria-pressed=true], .rl-choice input:checked + span")].map(marked),
    others: [...root.querySelectorAll("[aria-pressed=false], .rl-choice input:not(:checked) + span")].map(marked),
    words: [...plot.querySelectorAll("text")].map((text) => [text.textContent, ratio(fill(text), behind(text))]),
    shapes: bars.filter((bar) => bar.getBoundingClientRect().width > 1).map((bar) => ratio(fill(bar), paper)),
  };
}"""


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", ["index", "bottleneck"])
def test_in_the_readers_own_colours_choices_and_figures_can_be_told_apart(page: Open, name: str, theme: str) -> None:
    chapter = next(path for path in CHAPTERS if path.stem == name)
    opened = page(address(chapter), forced_colors="active", theme=theme)
    for explorer in explorers(chapter):
        root(opened, explorer.id).locator(".rl-presets button").nth(1).click()
        seen = opened.evaluate(FORCED, explorer.id)
        assert len(seen["chosen"]) >= 1 and all(seen["chosen"]), explorer.id
        assert not any(seen["others"]), explorer.id
        assert len(seen["words"]) > 5 and [word for word in seen["words"] if word[1] < 4.5] == [], explorer.id
        assert min(seen["shapes"], default=3) >= 1.7, explorer.id  # the paler tints, which have words on them


def test_where_copying_is_denied_the_button_says_so(page: Open) -> None:
    opened = page(address(CHAPTERS[0]))
    opened.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(new Error('denied')) }")
    place = root(opened, explorers(CHAPTERS[0])[0].id)
    place.get_by_role("button", name="Copy link").click()
    place.get_by_role("button", name="Your browser denies copying").wait_for()


def test_figures_are_printed_whole_and_in_light_colours(page: Open) -> None:
    opened = page(address(CHAPTERS[0]), theme="dark")
    opened.emulate_media(media="print")
    for plot in opened.locator(".rl-plot").all():
        picture, frame = plot.locator("svg.rl-svg").bounding_box(), plot.bounding_box()
        assert picture and frame and picture["width"] <= frame["width"] + 1
    text = opened.locator(".rl-plot text").first
    assert text.evaluate("(node) => getComputedStyle(node).fill") == "rgb(36, 41, 47)"
    assert opened.locator(".rl-grip").count() and not opened.locator(".rl-grip:visible").count()
    breaks = "(all) => all.map((node) => getComputedStyle(node).breakInside)"
    assert set(opened.locator(".rl-explorer").evaluate_all(breaks)) == {"avoid"}


def test_without_scripts_pictures_and_tables_hold_the_default_states_and_answers_are_folded(
    browser: Browser, site: str
) -> None:
    with browser.new_context(java_script_enabled=False) as context:
        opened = context.new_page()
        for chapter in CHAPTERS:
            opened.goto(f"{site}/{address(chapter)}")
            for explorer in explorers(chapter):
                table = opened.locator(f'[data-rl-explorer="{explorer.id}"] table')
                assert table.is_visible()
                picture = opened.locator(f'[data-rl-explorer="{explorer.id}"] > .rl-wide > svg')
                assert picture.is_visible() and picture.get_attribute("aria-label") == explorer.description
                shown = table.inner_text()
                assert explorer.description in shown
                for label, value in explorer.figure()["numbers"].items():
                    assert label in shown and value in shown
            for question in questions(chapter):
                here = opened.locator(f'[data-rl-question="{question.name}"]')
                answer = here.get_by_text(plain(question.answer), exact=False).last
                assert not answer.is_visible()
                here.locator("summary").click()
                assert answer.is_visible()


def plain(text: str) -> str:
    return text.replace("`", "")
