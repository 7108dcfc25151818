"""report.html: what it holds, that nothing in a row is markup, and what its script does."""

import base64
import hashlib
import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote_to_bytes

import pytest

from ml.cli import main
from ml.results import gallery
from ml.results.report import Row, write_report
from tests.support.fake_pipeline import fake_heads

HOSTILE = [
    "</script><script>alert(1)</script>.jpg",
    "<img src=x onerror=alert(1)>.jpg",
    "\"><b>&amp;'`${1}.jpg",
    "line\nbreak\u2028.jpg",
    "bytes\udce9 #?%41.jpg",
    "javascript:alert(1).jpg",
]
# A document that knows just what the page's script uses.
DOCUMENT = """
class Element {
  constructor(name) {
    Object.assign(this, {name, children: [], listeners: {}, elements: {}, dataset: {}});
  }
  append(...all) { this.children.push(...all); }
  replaceChildren(...all) { this.children = all; }
  insertBefore(made, child) { this.children.splice(this.children.indexOf(child), 0, made); }
  addEventListener(name, run) { this.listeners[name] = run; }
  remove() { this.gone = true; }
  get lastChild() { return this.children[this.children.length - 1]; }
}
const known = {};
globalThis.document = {
  createElement: name => new Element(name),
  getElementById: id => known[id] ||= new Element(id),
};
const get = document.getElementById;
get("rows").textContent = ROWS;
for (const [name, value] of Object.entries({text: "", status: "", most: "1", order: ""}))
  get("wanted").elements[name] = {value};
"""


class Page(HTMLParser):
    """The elements of a page, and the contents of its scripts."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.scripts = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag == "script":
            self.scripts.append("")

    def handle_data(self, data):
        if self.cdata_elem == "script":
            self.scripts[-1] += data


def page(rows, folder):
    path = write_report(rows, folder).with_suffix(".html")
    return path.read_text(encoding="utf-8")


def test_a_batch_leaves_a_page_beside_its_report(tmp_path):
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    for name in ("a b.jpg", "noface.jpg"):
        (folder / name).write_bytes(b"x")
    given = [str(folder), "--out", str(out), "--shard"]
    for number in "12":
        main([*given, f"{number}/2"], reconstruct=fake_heads)
    main(["report", "merge", str(out)])
    for name in ("report", "report-1-of-2", "report-2-of-2"):
        assert (out / f"{name}.html").exists()
    found = Page((out / "report.html").read_text(encoding="utf-8"))
    rows = json.loads(found.scripts[0])
    assert [Path(row["name"]).name for row in rows] == ["a b.jpg", "noface.jpg"]
    assert [row["status"] for row in rows] == ["ok", "failed"]
    assert rows[0]["photos"] == ["./a%20b/photo.jpg", "./../in/a%20b.jpg"]
    assert (out / rows[0]["photos"][0].replace("%20", " ")).exists()
    assert "No face was found" in rows[1]["error"]
    assert rows[1]["hint"] == "Use another photo"
    assert ("data-summary", "2 photos: 1 ok, 1 failed") in found.attributes


def test_no_name_becomes_markup_and_every_picture_is_found(tmp_path):
    rows = [
        Row(str(tmp_path / "in" / name), "failed", error=name, hint=name, warning=name)
        for name in HOSTILE
    ]
    plain, hostile = Page(page([], tmp_path)), Page(page(rows, tmp_path))
    assert hostile.tags == plain.tags
    assert len(hostile.scripts) == 2
    found = json.loads(hostile.scripts[0])
    assert [row["name"] for row in found] == [row.photo for row in rows]
    for row, name in zip(found, HOSTILE, strict=True):
        (address,) = row["photos"]
        assert address.startswith("./in/")
        assert unquote_to_bytes(address[2:]) == f"in/{name}".encode(errors="surrogateescape")


def test_a_page_needs_neither_network_nor_a_server(tmp_path):
    text = page([Row("a.jpg", "ok")], tmp_path)
    assert not re.search(r"https?:|@import|<link|innerHTML|fetch\(|XMLHttp", text)
    assert "src=" not in text
    policy = re.search(r'Policy" content="([^"]*)"', text)[1]
    script = hashlib.sha256(Page(text).scripts[1].encode()).digest()
    allowed = base64.b64encode(script).decode()
    assert policy.startswith(f"default-src 'none'; script-src 'sha256-{allowed}'; style-src")
    assert "unsafe-inline'" not in policy.replace("style-src 'unsafe-inline'", "")
    assert "@" not in text


def test_many_rows_show_first_what_failed(tmp_path, monkeypatch):
    monkeypatch.setattr(gallery, "MOST", 3)
    rows = [Row(f"{number}.jpg", "failed" if number > 6 else "ok") for number in range(9)]
    found = Page(page(rows, tmp_path))
    assert [row["name"] for row in json.loads(found.scripts[0])] == ["7.jpg", "8.jpg", "0.jpg"]
    assert "This page shows 3 of them" in dict(found.attributes)["data-summary"]


@pytest.mark.skipif(shutil.which("node") is None, reason="runs the page's script")
@pytest.mark.parametrize(
    ("sheet", "expected"),
    [((2100, 420), {"colour": "50% 50%", "clay": "75% 50%"}), ((512, 512), {"colour": None})],
)
def test_colour_and_clay_are_panels_of_the_preview(tmp_path, sheet, expected):
    found = Page(page([Row("a.jpg", "ok", heads=(str(tmp_path / "a"),))], tmp_path))
    code = DOCUMENT.replace("ROWS", json.dumps(found.scripts[0])) + found.scripts[1]
    code += """
const seen = {};
for (const link of get("cards").children[0].children[0].children.slice(1)) {
  const [made] = link.children;
  [made.naturalWidth, made.naturalHeight, made.style] = [...SHEET, {}];
  made.listeners.load();
  if (!link.gone) seen[made.alt] = made.style.objectPosition ?? null;
}
console.log(JSON.stringify(seen));
""".replace("SHEET", json.dumps(sheet))
    done = subprocess.run(["node"], input=code, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == expected


@pytest.mark.skipif(shutil.which("node") is None, reason="runs the page's script")
def test_the_script_filters_sorts_and_pages_ten_thousand_rows(tmp_path):
    rows = [
        Row(f"{number}.jpg", "ok", number / 10, quality=(number % 100) / 100)
        for number in range(9_998)
    ]
    rows += [Row(f"<b>{name}", "failed", error="No face", hint="Use another") for name in "xy"]
    found = Page(page(rows, tmp_path))
    code = DOCUMENT.replace("ROWS", json.dumps(found.scripts[0])) + found.scripts[1]
    code += """
const texts = made => [made.textContent, ...made.children.map(text)].filter(Boolean);
const text = made => made && texts(made).join("|");
const said = [], cards = () => get("cards").children;
const look = () => said.push([get("shown").textContent, cards().length, text(cards()[0])]);
const set = (name, value) => {
  get("wanted").elements[name].value = value;
  get("wanted").listeners.input();
  look();
};
look();
get("next").listeners.click(); look();
set("status", "failed");
set("status", "");
set("order", "seconds");
set("order", "quality");
set("most", "0.05");
set("text", "no FACE");
set("most", "1");
set("text", "nothing at all");
get("previous").listeners.click(); look();
console.log(JSON.stringify(said));
"""
    done = subprocess.run(["node"], input=code, capture_output=True, text=True, check=True)
    said = json.loads(done.stdout)
    assert said[0][:2] == ["1 to 200 of 10000", 200]
    assert said[1][0] == "201 to 400 of 10000"
    assert said[1][2].startswith("200.jpg|ok")
    assert said[2] == ["1 to 2 of 2", 2, "<b>x|failed, 0.0 s|No face|Use another"]
    assert said[3][0] == "1 to 200 of 10000"
    assert said[4][2].startswith("9997.jpg")
    assert said[5][2].startswith("0.jpg")
    assert said[6][0] == "1 to 200 of 600"
    assert said[7][:2] == ["none", 0]
    assert said[8][2].startswith("<b>x")
    assert said[9][:2] == said[10][:2] == ["none", 0]
