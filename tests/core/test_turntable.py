"""turntable.js: the binary glTF in it, and the viewer beside a report."""

import base64
import json
import re
from dataclasses import replace
from io import BytesIO

import numpy as np
from PIL import Image

from ml.assets.card import read_card, verified
from ml.results import viewer
from ml.results.edited import copy_results, put_head
from ml.results.files import TURNTABLE_NAME
from ml.results.folder import write_heads
from ml.results.glb import unpack_glb
from ml.results.report import Row, write_report
from tests.support.fake_pipeline import tiny_head

DTYPES = {5123: "<u2", 5125: "<u4", 5126: "<f4"}
WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3}


def read_turntable(path):
    """The JSON, the arrays of all accessors, and the views' bytes of the glTF in a turntable.js."""
    text = re.fullmatch(r'effigyTurntable\("([A-Za-z0-9+/=]*)"\);\n', path.read_text())[1]
    data = base64.b64decode(text)
    assert int.from_bytes(data[8:12], "little") == len(data)
    content, rest = unpack_glb(data)
    assert rest[4:8] == b"BIN\0"
    buffer = rest[8:]
    assert int.from_bytes(rest[:4], "little") == len(buffer)
    assert 0 <= len(buffer) - content["buffers"][0]["byteLength"] < 4
    views = []
    for view in content["bufferViews"]:
        assert view["byteOffset"] % 4 == 0
        views.append(buffer[view["byteOffset"] :][: view["byteLength"]])
    arrays = []
    for about in content["accessors"]:
        array = np.frombuffer(views[about["bufferView"]], DTYPES[about["componentType"]])
        arrays.append(array.reshape(-1, WIDTHS[about["type"]]))
        assert len(arrays[-1]) == about["count"]
    return content, arrays, views


def written(head, folder):
    (folder,) = write_heads([head], folder, preview=True)
    return read_turntable(folder / TURNTABLE_NAME)


def test_a_turntable_holds_the_head_as_gltf(tmp_path):
    # A texture of two colours: which is up is seen.
    albedo = np.zeros((1024, 1024, 3), np.uint8)
    albedo[:512] = [250, 10, 10]
    head = replace(tiny_head(tmp_path / "a.jpg"), albedo=albedo)
    content, arrays, views = written(head, tmp_path / "a")
    (primitive,) = content["meshes"][0]["primitives"]
    of = {name: arrays[number] for name, number in primitive["attributes"].items()}
    corners = arrays[primitive["indices"]].ravel()
    assert len(corners) == 6
    np.testing.assert_array_equal(
        np.unique(of["POSITION"], axis=0), np.unique(head.mesh.vertices_expressed, axis=0)
    )
    np.testing.assert_allclose(of["NORMAL"], [[0, 0, 1]] * 4)
    bounds = content["accessors"][primitive["attributes"]["POSITION"]]
    assert (bounds["min"], bounds["max"]) == ([0.5, 0.5, 0.5], [1.5, 1.5, 0.5])
    # The square is as wide as its texture, and glTF counts rows from the top.
    np.testing.assert_allclose(of["TEXCOORD_0"][:, 0] / 65535, of["POSITION"][:, 0] - 0.5)
    np.testing.assert_allclose(of["TEXCOORD_0"][:, 1] / 65535, 1.5 - of["POSITION"][:, 1])
    picture = Image.open(BytesIO(views[content["images"][0]["bufferView"]]))
    assert (picture.format, picture.size) == ("JPEG", (512, 512))
    assert picture.getpixel((100, 100))[0] > 200 > 50 > picture.getpixel((100, 400))[0]
    said = content["asset"]["extras"]["effigy"]
    assert (said["tool"], said["photo_sha256"]) == ("Effigy", head.provenance.photo_sha256)


def test_a_vertex_at_a_seam_of_the_texture_is_there_for_each_side(tmp_path):
    head = tiny_head(tmp_path / "a.jpg")
    mesh = replace(
        head.mesh,
        quads=np.array([[0, 1, 2, 3], [3, 2, 1, 0]], np.int32),
        uv=np.concatenate([head.mesh.uv, head.mesh.uv[:1] * 0 + 0.25]),
        uv_quads=np.array([[0, 1, 2, 3], [3, 2, 1, 4]], np.int32),
        part=np.zeros(2, np.uint8),
    )
    content, arrays, _ = written(replace(head, mesh=mesh), tmp_path / "a")
    (primitive,) = content["meshes"][0]["primitives"]
    assert len(arrays[primitive["attributes"]["POSITION"]]) == 5


def test_lashes_are_left_out_and_a_head_without_a_texture_is_clay(tmp_path):
    head = tiny_head(tmp_path / "a.jpg")
    mesh = replace(
        head.mesh,
        quads=np.repeat(head.mesh.quads, 2, axis=0),
        uv_quads=np.repeat(head.mesh.uv_quads, 2, axis=0),
        part=np.array([0, 1], np.uint8),
        part_names=("skin", "lashes_left"),
    )
    content, arrays, _ = written(replace(head, mesh=mesh, albedo=None), tmp_path / "a")
    assert len(arrays[content["meshes"][0]["primitives"][0]["indices"]]) == 6
    look = content["materials"][0]["pbrMetallicRoughness"]
    assert "baseColorTexture" not in look
    assert "images" not in content
    assert 0.4 < look["baseColorFactor"][0] < 0.7


def test_only_a_preview_brings_a_turntable_and_an_earlier_one_does_not_stay(tmp_path):
    head = tiny_head(tmp_path / "a.jpg")
    written(head, tmp_path / "a")
    write_heads([head], tmp_path / "a")
    assert not (tmp_path / "a" / TURNTABLE_NAME).exists()


def test_a_head_that_was_changed_has_no_turntable_of_what_it_was(tmp_path):
    head = tiny_head(tmp_path / "a.jpg")
    written(head, tmp_path / "a")
    (copy,) = copy_results([tmp_path / "a"], tmp_path / "copy")
    put_head(head, copy, {})
    assert (copy / "albedo.png").exists()
    assert not (copy / TURNTABLE_NAME).exists()


def rows_of(path, *heads):
    rows = [Row(f"{head}.jpg", "ok", heads=(str(head),)) for head in heads]
    page = write_report(rows, path).with_suffix(".html").read_text(encoding="utf-8")
    return json.loads(re.search(r'id="rows"[^>]*>(.*?)</script>', page, re.DOTALL)[1])


def test_the_viewer_lies_once_beside_a_report_of_heads_that_turn(tmp_path):
    named, plain = tmp_path / "it's 50%41 #&", tmp_path / "plain"
    write_heads([tiny_head(tmp_path / "a.jpg")], named, preview=True)
    write_heads([tiny_head(tmp_path / "a.jpg")], plain)
    assert "turntable" not in rows_of(tmp_path, plain)[0]
    assert not (tmp_path / viewer.FOLDER).exists()
    rows = rows_of(tmp_path, plain, named)
    assert [row.get("turntable") for row in rows] == [
        None,
        "./it%27s%2050%2541%20%23%26/turntable.js",
    ]
    beside = tmp_path / viewer.FOLDER
    assert (beside / viewer.VIEWER.name).read_bytes() == viewer.VIEWER.read_bytes()
    assert (beside / viewer.LICENCE.name).read_bytes() == viewer.LICENCE.read_bytes()
    page = (beside / viewer.PAGE_NAME).read_text(encoding="utf-8")
    assert "@" not in page
    policy = re.search(r'Policy" content="([^"]*)"', page)[1]
    assert policy.startswith(f"default-src 'none'; script-src '{viewer.script_hash(page)}'")
    assert "http" not in policy


def test_what_was_cut_off_of_the_viewer_is_written_again(tmp_path):
    write_heads([tiny_head(tmp_path / "a.jpg")], tmp_path / "a", preview=True)
    beside = tmp_path / viewer.FOLDER
    beside.mkdir()
    (beside / viewer.VIEWER.name).write_text("!function(")
    rows_of(tmp_path, tmp_path / "a")
    assert (beside / viewer.VIEWER.name).read_bytes() == viewer.VIEWER.read_bytes()


def test_a_viewer_that_cannot_be_written_leaves_the_report(tmp_path, caplog):
    write_heads([tiny_head(tmp_path / "a.jpg")], tmp_path / "a", preview=True)
    (tmp_path / viewer.FOLDER).write_text("a file in its place")
    (row,) = rows_of(tmp_path, tmp_path / "a")
    assert "turntable" not in row
    assert "The report has no turntables" in caplog.text


def test_the_viewer_is_as_published_with_all_its_licences():
    assert viewer.VIEWER.stat().st_size < 1.2e6
    verified(viewer.VIEWER)
    text = viewer.LICENCE.read_text(encoding="utf-8")
    for name in ("three.js", "Lit", "gainmap-js", "fflate"):
        assert f"==== {name} ====" in text
        assert name in read_card(viewer.VIEWER).sources[0]
