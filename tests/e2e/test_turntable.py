"""A report's page in a headless browser, opened from its folder: heads that turn in it."""

import pytest

from ml.results.folder import write_heads
from ml.results.report import Row, write_report
from tests.support import browser
from tests.support.fake_pipeline import tiny_head

NAMES = ['it\'s "so" #1 50%41 & <b>é', "plain", "gone"]
BUTTONS = "[...document.querySelectorAll('#cards button')]"
FRAMES = "document.querySelectorAll('iframe').length"
VIEWER = "document.querySelector('model-viewer')"
# The part of a viewer's picture that is opaque.
DRAWN = """async viewer => {
  const picture = await createImageBitmap(await viewer.toBlob());
  const pen = new OffscreenCanvas(picture.width, picture.height).getContext("2d");
  pen.drawImage(picture, 0, 0);
  const data = pen.getImageData(0, 0, picture.width, picture.height).data;
  return data.filter((value, place) => place % 4 === 3 && value > 200).length / data.length * 4;
}"""
# Names of files that are no UTF-8, and colons, are not on every disk; the rest of what means
# something in an address or in markup is in the first name.
pytestmark = pytest.mark.skipif(browser.found() is None, reason="needs Chromium")


@pytest.fixture
def report(tmp_path):
    """The page of 10,000 rows, all but three without a head."""
    rows = []
    for name in NAMES:
        photo = tmp_path / f"{name}.jpg"
        photo.write_bytes(b"x")
        folders = write_heads([tiny_head(photo)], tmp_path / "out" / name, preview=True)
        rows.append(Row(str(photo), "ok", heads=tuple(map(str, folders))))
    rows += [Row(rows[-1].photo, "failed")] * 9_997
    page = write_report(rows, tmp_path / "out").with_suffix(".html")
    (tmp_path / "out/gone/turntable.js").unlink()
    return page


def opened(page, number):
    """Press the button of a card; return its frame, which is the only one."""
    known = list(page.contexts)
    page.run(f"{BUTTONS}[{number}].click()")
    assert page.run(FRAMES) == 1
    return page.frame(known)


def test_heads_turn_one_at_a_time_and_are_loaded_when_they_are_asked_for(report):
    with browser.Browser() as page:
        page.open(report.as_uri())
        page.wait(f"document.readyState === 'complete' && {BUTTONS}.length === 3")
        assert not [address for address in page.requests if "turntable" in address]
        for number in (0, 1):
            frame = opened(page, number)
            page.wait(f"{VIEWER}?.loaded", frame)
        page.wait(f"{VIEWER}.turntableRotation > 0.2", frame)
        before = page.run(f"{VIEWER}.getCameraOrbit().theta", frame)
        box = page.run(
            "(it => [it.left, it.top, it.width, it.height])"
            "(document.querySelector('iframe').getBoundingClientRect())"
        )
        x, y = box[0] + box[2] / 2, box[1] + box[3] / 3
        page.drag((x, y), (x + 60, y))
        page.wait(f"Math.abs({VIEWER}.getCameraOrbit().theta - {before}) > 0.1", frame)
        page.run(f"{BUTTONS}[1].click()")
        assert page.run(FRAMES) == 0
        assert page.run(f"{BUTTONS}.map(it => it.textContent)") == ["Turn"] * 3
        assert {address.split(":")[0] for address in page.requests} <= {"file", "blob", "data"}
        assert page.complaints == []


def test_a_head_that_is_gone_is_named_and_a_filter_closes_what_turned(report):
    with browser.Browser() as page:
        page.open(report.as_uri())
        page.wait(f"{BUTTONS}.length === 3")
        frame = opened(page, 2)
        page.wait("document.body.textContent.includes('with --preview')", frame)
        page.run(
            "const wanted = document.getElementById('wanted');"
            "wanted.elements.text.value = 'plain';"
            "wanted.dispatchEvent(new Event('input'))"
        )
        assert page.run(FRAMES) == 0
        frame = opened(page, 0)
        page.wait(f"{VIEWER}?.loaded", frame)
        page.wait(f"({DRAWN})({VIEWER}).then(part => part > 0.05)", frame)


def test_a_browser_that_draws_nothing_says_so(report):
    with browser.Browser("--disable-3d-apis") as page:
        page.open(report.as_uri())
        page.wait(f"{BUTTONS}.length === 3")
        frame = opened(page, 0)
        page.wait("document.body.textContent.includes('Switch its WebGL on')", frame)
