"""`<splat-image>` and the polyfill in Chromium: they take the space of `<img>`, say what it says, and show what `splatc.decode` gives."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import conformance
import splatc
from splatc import bitstream
from tests.bitstream_cases import header_for, random_quantized
from tests.browser import Browser
from tests.test_web_browser import TOLERANCE, over_white
from tests.test_web_network import mosaic_file
from tests.web_server import Server

FOLDER = conformance.FOLDER
SPLAT = "/conformance/rgb.splat2d"
PAGE = """<!doctype html><html lang="en"><title>page</title>
<link rel="stylesheet" href="/pages/plain.css"><script type="module" src="/web/{module}.js"></script><body>{body}</body></html>"""

LAYOUTS = (
    "<W>",
    '<W width="200">',
    '<W height="90">',
    '<W width="200" height="30">',
    '<W width="50%">',
    '<W style="width: 300px">',
    '<W style="height: 200px">',
    '<W style="width: 50%; height: auto" width="640" height="480">',
    '<W style="max-width: 100%">',
    '<W style="max-height: 20px">',
    '<W style="padding: 5px 10px 15px; border: 3px solid">',
    '<W style="display: block; margin: auto">',
    '<W style="float: right; margin: 3px">',
    '<W style="position: absolute; left: 3px; top: 4px; height: 30px">',
    '<W style="width: 100px; aspect-ratio: 1">',
    '<W style="min-width: 100px">',
    '<W style="box-sizing: border-box; width: 100px; padding: 10px">',
    '<W style="vertical-align: middle">',
)
"""Images that are laid out; W is the element."""

SAME_SPACE = """
const [layouts, splat, png] = arguments;
const boxes = [];
const measure = async (display, layout, element, src) => {
  const holder = document.createElement("div");
  holder.style.cssText = `display: ${display}; position: relative; width: ${display === "block" ? 40 : 500}px; font: 20px monospace`;
  const template = document.createElement("template");
  template.innerHTML = `before ${layout.replace("W", element)}${element === "img" ? "" : `</${element}>`} after`;
  holder.append(template.content);
  const image = holder.querySelector(element);
  for (const declaration of (image.getAttribute("style") ?? "").split(";").filter((each) => each.trim())) {
    const [name, value] = declaration.split(":");
    image.style.setProperty(name.trim(), value.trim());
  }
  image.src = src;
  document.body.append(holder);
  await image.decode();
  await new Promise((resolve) => requestAnimationFrame(resolve));
  const [outer, inner] = [holder.getBoundingClientRect(), image.getBoundingClientRect()];
  const box = [inner.x - outer.x, inner.y - outer.y, inner.width, inner.height, outer.height].map(Math.round);
  const says = [image.width, image.height, image.naturalWidth, image.naturalHeight, image.complete];
  holder.remove();
  return [...box, ...says];
};
for (const display of ["block", "flex", "grid"])
  for (const layout of layouts) {
    const [ours, theirs] = [["splat-image", splat], ["img", png]].map((each) => measure(display, layout, ...each));
    boxes.push([`${display}: ${layout}`, await ours, await theirs]);
  }
return boxes;
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("pages")
    (folder / "plain.css").write_text("body { margin: 0; background: white } splat-image, img { vertical-align: top }")
    (folder / "tall.css").write_text(".tall { height: 5000px }")
    (folder / "cut.splat2d").write_bytes(mosaic_file()[:60_000])
    large = header_for(6000, 4000)
    (folder / "large.splat2d").write_bytes(
        bitstream.encode(large, random_quantized(np.random.default_rng(1), large, 20))
    )
    (folder / "damaged.splat2d").write_bytes((FOLDER / "rgb.splat2d").read_bytes()[:-20] + bytes(20))
    with Server(mosaic_file(), {"conformance": FOLDER, "pages": folder}) as running:
        yield running


def open_page(browser: Browser, site: Server, module: str, body: str = "") -> None:
    site.pages["/page.html"] = PAGE.format(module=module, body=body)
    browser.open(f"{site.url}/page.html")
    browser.run('await import("/web/" + arguments[0] + ".js")', module)


def decoded(path: Path, scale: str = "1") -> np.ndarray:
    with splatc.open(path) as picture:
        return over_white(picture.read(scale=scale, bit_depth=8))


def test_an_element_takes_the_space_of_an_image(browser: Browser, site: Server) -> None:
    open_page(browser, site, "splat_image")
    boxes = browser.run(SAME_SPACE, LAYOUTS, SPLAT, "/conformance/rgb.png")
    assert len(boxes) == 3 * len(LAYOUTS)
    assert not [box for box in boxes if box[1] != box[2]]


def test_an_element_shows_what_is_decoded(browser: Browser, site: Server) -> None:
    """At its own size, enlarged as sharp as the file can be drawn, and gray, with alpha, in both blends."""
    names = ("rgb", "sum", "gray", "gray-alpha-16", "rgba-16", "photograph")
    tags = "".join(
        f'<splat-image src="/conformance/{name}.splat2d"></splat-image><br>'
        f'<splat-image src="/conformance/{name}.splat2d" width="{3 * width}"></splat-image><br>'
        for name in names
        for width in [96 if name == "photograph" else 64]
    )
    open_page(browser, site, "splat_image", tags)
    places = browser.run(
        """
        const images = [...document.querySelectorAll("splat-image")];
        await Promise.all(images.map((image) => image.decode()));
        await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
        return images.map((image) => image.getBoundingClientRect()).map(({ x, y, width, height }) => [x, y, width, height].map(Math.round));
        """
    )
    browser.resize(400, 2500)
    shown = browser.screenshot().astype(float)
    for i, (x, y, width, height) in enumerate(places):
        expected = decoded(FOLDER / f"{names[i // 2]}.splat2d", "3" if i % 2 else "1")
        assert np.abs(shown[y : y + height, x : x + width] - expected).max() <= TOLERANCE, names[i // 2]
    assert not browser.complaints()


def test_object_fit(browser: Browser, site: Server) -> None:
    """What is painted covers what an image covers."""
    open_page(browser, site, "splat_image")
    for fit in ("fill", "contain", "cover", "none", "scale-down"):
        browser.run(
            """
            const [fit, ...given] = arguments;
            document.body.replaceChildren();
            for (const [i, element] of ["splat-image", "img"].entries()) {
              const image = document.createElement(element);
              Object.assign(image.style, { position: "absolute", left: `${i * 200}px`, top: 0, width: "150px", height: "75px" });
              Object.assign(image.style, { objectFit: fit, objectPosition: "10px 20%" });
              image.src = given[i];
              document.body.append(image);
              await image.decode();
            }
            await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
            """,
            fit,
            SPLAT,
            "/conformance/rgb.png",
        )
        shown = (browser.screenshot()[:90, :400] != 255).any(axis=2)
        assert (shown[:, :200] == shown[:, 200:]).mean() > 0.99, fit


def test_an_element_says_what_an_image_says(browser: Browser, site: Server) -> None:
    open_page(browser, site, "splat_image")
    reported = browser.run(
        """
        const [src] = arguments;
        const image = document.createElement("splat-image");
        const events = [];
        for (const name of ["load", "error"]) image.addEventListener(name, ({ type, bubbles }) => events.push([type, bubbles]));
        const reported = { empty: [image.complete, image.currentSrc, image.src, image.naturalWidth, image.width, image.loading] };
        document.body.append(image);
        image.src = src;
        reported.begun = image.complete;
        await image.decode();
        reported.done = [image.complete, image.currentSrc === new URL(src, location).href, image.picture.header.channels];
        image.src = "/conformance/missing.splat2d";
        reported.missing = await image.decode().catch((error) => error.name);
        image.src = "/pages/damaged.splat2d";
        reported.damaged = await image.decode().catch((error) => error.name);
        reported.failed = [image.complete, image.naturalWidth];
        const stale = image.decode();
        image.src = src;
        const replaced = image.decode();
        image.src = "/conformance/gray.splat2d";
        reported.replaced = await replaced.catch((error) => error.name);
        await stale.catch(() => {});
        await image.decode();
        image.removeAttribute("src");
        reported.removed = [image.complete, image.naturalWidth, image.getBoundingClientRect().width];
        reported.detached = await Object.assign(document.createElement("splat-image"), { src }).decode();
        reported.events = events;
        return reported;
        """,
        SPLAT,
    )
    assert reported["empty"] == [True, "", "", 0, 0, "eager"]
    assert reported["begun"] is False
    assert reported["done"] == [True, True, 3]
    assert reported["missing"] == reported["damaged"] == reported["replaced"] == "EncodingError"
    assert reported["failed"] == [True, 0]
    assert reported["removed"] == [True, 0, 0]
    assert reported["detached"] is None
    assert reported["events"] == [["load", False], ["error", False], ["error", False], ["load", False]]


def test_an_element_is_an_image_to_those_who_do_not_see_it(browser: Browser, site: Server) -> None:
    tag = f'<splat-image id="a" src="{SPLAT}" alt="A parrot"></splat-image><splat-image id="b" src="/missing/a" alt="A hat"></splat-image>'
    open_page(browser, site, "splat_image", tag)
    browser.run("for (const image of document.querySelectorAll('splat-image')) await image.decode().catch(() => {})")
    parrot, hat = (browser.driver.find_element("id", name) for name in "ab")
    assert (parrot.aria_role, parrot.accessible_name) == ("image", "A parrot")
    assert hat.accessible_name == "A hat"
    assert hat.rect["width"] > 10, "what it would show is written there"


def test_an_element_that_is_far_away_is_not_loaded(browser: Browser, site: Server) -> None:
    tag = f"""<link rel="stylesheet" href="/pages/tall.css"><div class="tall"></div>
      <splat-image src="{SPLAT}?lazy" loading="lazy" width="64" height="48"></splat-image>"""
    open_page(browser, site, "splat_image", tag)
    reported = browser.run(
        """
        const image = document.querySelector("splat-image");
        await new Promise((resolve) => setTimeout(resolve, 200));
        const before = [image.complete, image.picture === null, image.getBoundingClientRect().height];
        const loaded = new Promise((resolve) => image.addEventListener("load", resolve));
        scrollTo(0, 4800);
        await loaded;
        return [before, image.complete, image.getBoundingClientRect().height];
        """
    )
    assert reported == [[False, True, 48], True, 48]


def test_coarse_levels_are_seen_first_and_what_has_left_is_not_fetched(browser: Browser, site: Server) -> None:
    open_page(browser, site, "splat_image")
    reported = browser.run(
        """
        const image = document.createElement("splat-image");
        image.width = 300;
        image.src = "/slow/mosaic.splat2d";
        document.body.append(image);
        let loaded = false;
        image.addEventListener("load", () => (loaded = true));
        while (!image.shadowRoot.querySelector("canvas")) await new Promise((resolve) => setTimeout(resolve, 10));
        const { bytesLoaded, bytes } = image.picture;
        image.remove();
        await new Promise((resolve) => setTimeout(resolve, 50));
        const left = image.picture.bytesLoaded;
        await new Promise((resolve) => setTimeout(resolve, 200));
        const stopped = image.picture.bytesLoaded === left;
        return { part: bytesLoaded / bytes, loaded, stopped, complete: image.complete };
        """
    )
    assert reported["part"] < 0.7
    assert (reported["loaded"], reported["stopped"], reported["complete"]) == (False, True, False)


def test_truncated_files_and_files_that_change(browser: Browser, site: Server) -> None:
    open_page(browser, site, "splat_image")
    reported = browser.run(
        """
        const reported = [];
        for (const src of ["/pages/cut.splat2d", "/changed-once/a.splat2d", "/drops-once/b.splat2d"]) {
          const image = Object.assign(document.createElement("splat-image"), { src, width: 200 });
          document.body.append(image);
          await image.decode();
          reported.push([image.naturalWidth, image.picture.truncated]);
        }
        return reported;
        """
    )
    assert reported == [[8192, True], [8192, False], [8192, False]]


def test_an_element_is_drawn_again_when_it_grows(browser: Browser, site: Server) -> None:
    open_page(browser, site, "splat_image", f'<splat-image src="{SPLAT}"></splat-image>')
    widths = browser.run(
        """
        const image = document.querySelector("splat-image");
        await image.decode();
        const widths = [image.shadowRoot.querySelector("canvas").width];
        for (const width of [200, 190, 60]) {
          image.width = width;
          for (let i = 0; i < 100 && image.shadowRoot.querySelector("canvas").width !== width; i++)
            await new Promise((resolve) => setTimeout(resolve, 5));
          widths.push(image.shadowRoot.querySelector("canvas").width);
        }
        return widths;
        """
    )
    assert widths == [64, 200, 200, 60]


IMAGES = """
const images = [...document.images];
await Promise.all(images.map((image) => new Promise((resolve) => {
  const look = () => (image.complete && /^blob:/.test(image.currentSrc) ? resolve() : setTimeout(look, 5));
  look();
})));
"""


def test_images_of_any_page(browser: Browser, site: Server) -> None:
    """There, added later, changed later, in `<picture>` and `srcset`; others stay as they are."""
    body = f"""<img src="{SPLAT}"><img src="{SPLAT}" width="128" alt="twice">
      <picture><source type="image/x-splat2d" srcset="/conformance/gray.splat2d"><img src="/conformance/rgb.png"></picture>
      <picture><source type="image/png" srcset="/conformance/rgb.png"><source srcset="/conformance/gray.splat2d"><img id="png"></picture>
      <img srcset="/conformance/sum.splat2d 1x"><img id="other" src="/conformance/rgb.png">"""
    open_page(browser, site, "polyfill", body)
    reported = browser.run(
        """
        const wait = async (image) => {
          while (!(image.complete && /^blob:/.test(image.currentSrc))) await new Promise((resolve) => setTimeout(resolve, 5));
          return [image.naturalWidth, image.naturalHeight, image.width];
        };
        const images = [...document.images];
        const reported = { first: [] };
        for (const image of images) reported.first.push(image.id ? null : await wait(image));
        reported.others = images.filter(({ id }) => id).map((image) => image.currentSrc.endsWith("rgb.png") && image.complete);
        const later = document.createElement("img");
        const events = [];
        for (const name of ["load", "error"]) later.addEventListener(name, () => events.push(name));
        later.src = "/conformance/photograph.splat2d";
        document.body.append(later);
        const loaded = () => new Promise((resolve) => later.addEventListener("load", resolve, { once: true }));
        await loaded();
        reported.later = await wait(later);
        later.src = "/conformance/one-row.splat2d";
        await loaded();
        reported.changed = await wait(later);
        later.src = "/conformance/missing.splat2d";
        while (!events.includes("error")) await new Promise((resolve) => setTimeout(resolve, 5));
        reported.events = [...events];
        later.src = "/conformance/rgb.png";
        await later.decode();
        reported.plain = later.currentSrc.endsWith("rgb.png");
        return reported;
        """
    )
    rgb = [64, 48, 64]
    assert reported["first"] == [rgb, [64, 48, 128], rgb, None, rgb, None]
    assert reported["others"] == [True, True]
    assert (reported["later"], reported["changed"]) == ([96, 64, 96], [200, 1, 200])
    assert reported["events"] == ["load", "load", "error"]
    assert reported["plain"]


def test_images_show_what_is_decoded(browser: Browser, site: Server) -> None:
    names = ("rgb", "gray", "sum", "gray-alpha-16", "rgba-16")
    open_page(browser, site, "polyfill", "<br>".join(f'<img src="/conformance/{name}.splat2d">' for name in names))
    places = browser.run(
        IMAGES
        + """
        await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
        return images.map((image) => image.getBoundingClientRect()).map(({ x, y }) => [x, y].map(Math.round));
        """
    )
    shown = browser.screenshot().astype(float)
    for name, (x, y) in zip(names, places, strict=True):
        expected = decoded(FOLDER / f"{name}.splat2d")
        height, width = expected.shape[:2]
        assert np.abs(shown[y : y + height, x : x + width] - expected).max() <= TOLERANCE, name


def test_large_and_lazy_images(browser: Browser, site: Server) -> None:
    """One of 24 megapixels is as large as it says, though it is drawn with fewer; one that is far away is not fetched."""
    body = f"""<link rel="stylesheet" href="/pages/tall.css"><img src="/pages/large.splat2d" width="60">
      <div class="tall"></div><img src="{SPLAT}?far" loading="lazy" width="64" height="48">"""
    open_page(browser, site, "polyfill", body)
    reported = browser.run(
        """
        const [large, lazy] = document.images;
        while (!(large.complete && /^blob:/.test(large.currentSrc))) await new Promise((resolve) => setTimeout(resolve, 5));
        const before = /^blob:/.test(lazy.currentSrc);
        scrollTo(0, 4800);
        while (!/^blob:/.test(lazy.currentSrc)) await new Promise((resolve) => setTimeout(resolve, 5));
        return [[large.naturalWidth, large.naturalHeight, large.width, large.height], before];
        """
    )
    assert reported == [[6000, 4000, 60, 40], False]
