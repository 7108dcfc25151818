"""What files say of their origin: results, binary glTF, sidecars, and manifests of C2PA."""

import hashlib
import json
import struct
import sys
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from ml.cli import main
from ml.errors import HeadError, UsageError
from ml.results import credentials, origin
from ml.results.nobody import average_head
from ml.results.provenance import dated
from ml.results.reconstruction import load_reconstruction, save_reconstruction
from ml.settings import LONGEST_NOTE, Settings, check_settings
from ml.version import effigy_version
from tests.support.fake_pipeline import fake_heads, fake_person
from tests.support.synthetic_head import write_synthetic

NOTE = "Ada, 2026: „für das Museum“"
SAID = origin.made_statement("1.2.3", "ab" * 32, "2026-01-31T10:00:00Z", NOTE)


def write_glb(path, content, binary=b"\1\2\3\4"):
    text = json.dumps(content).encode()
    text += b" " * (-len(text) % 4)
    total = 12 + 8 + len(text) + 8 + len(binary)
    chunks = struct.pack("<4sIII4s", b"glTF", 2, total, len(text), b"JSON") + text
    path.write_bytes(chunks + struct.pack("<I4s", len(binary), b"BIN\0") + binary)


def read_glb(path):
    """The content, and the bytes after it."""
    data = path.read_bytes()
    magic, _, total, length, _ = struct.unpack_from("<4sIII4s", data)
    assert (magic, total, length % 4) == (b"glTF", len(data), 0)
    return json.loads(data[20 : 20 + length]), data[20 + length :]


def test_reports_and_the_index_of_a_person_say_it_too(tmp_path, monkeypatch):
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    for name in ("a.jpg", "b.jpg"):
        (folder / name).write_bytes(name.encode())
    given, texts = [str(folder), "--out", str(out), "--consent", NOTE], []
    for date in ("1769853600", "1769953600"):
        monkeypatch.setenv("SOURCE_DATE_EPOCH", date)
        assert main([*given, "--same-person"], reconstruct_person=fake_person) == 0
        rows = json.loads((out / "report.json").read_text())
        texts.append([{**row, "seconds": 0} for row in rows])
    # Rows hold no dates.
    assert texts[0] == texts[1]
    digests = [hashlib.sha256(name.encode()).hexdigest() for name in ("a.jpg", "b.jpg")]
    assert [row["photo_sha256"] for row in texts[0]] == digests
    said = json.loads((out / "report.json.provenance.json").read_text("utf-8"))
    assert said == origin.statement_of_many(effigy_version(), "2026-02-01T13:46:40Z", NOTE)
    assert said["digitalSourceType"] == origin.OF_A_PHOTO
    index = json.loads((out / "person.json").read_text("utf-8"))
    head = json.loads((out / index["main"] / "reconstruction.json").read_text("utf-8"))
    assert index["provenance"] == head["provenance"]
    assert main([*given, "--skip-existing"], reconstruct=fake_heads) == 0
    rows = json.loads((out / "report.json").read_text())
    assert [row["photo_sha256"] for row in rows] == digests


def test_a_result_says_tool_date_photo_source_and_consent(tmp_path, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1769853600")
    head = write_synthetic(tmp_path / "Ada")
    head = replace(head, provenance=dated(head.provenance, NOTE))
    save_reconstruction(head, tmp_path / "Ada")
    said = json.loads((tmp_path / "Ada/reconstruction.json").read_text("utf-8"))["provenance"]
    assert said == {
        "tool": "Effigy",
        "version": head.provenance.effigy_version,
        "date": "2026-01-31T10:00:00Z",
        "photo_sha256": head.provenance.photo_sha256,
        "digitalSourceType": origin.OF_A_PHOTO,
        "consent": NOTE,
    }
    again = load_reconstruction(tmp_path / "Ada").provenance
    assert (again.made, again.consent) == (said["date"], NOTE)
    # Made once more without a note, it keeps the one that it has.
    assert dated(again).consent == NOTE


def test_a_result_of_an_earlier_version_opens_and_gives_a_statement(tmp_path):
    write_synthetic(tmp_path / "Ada")
    path = tmp_path / "Ada/reconstruction.json"
    about = json.loads(path.read_text("utf-8"))
    del about["provenance"]
    path.write_text(json.dumps(about), "utf-8")
    assert load_reconstruction(tmp_path / "Ada").provenance.consent == ""
    said = origin.statement_of(about)
    assert said["photo_sha256"] == about["photo"]["sha256"]
    assert "date" not in said
    about["provenance"] = {"consent": 3}
    path.write_text(json.dumps(about), "utf-8")
    with pytest.raises(HeadError, match="consent"):
        load_reconstruction(tmp_path / "Ada")


def test_a_head_of_nobody_names_no_photo():
    said = average_head("low").to_json()["provenance"]
    assert said["digitalSourceType"] == origin.OF_NO_PHOTO
    assert "photo_sha256" not in said
    assert said["version"] == effigy_version()


def test_a_note_has_a_greatest_length():
    check_settings(Settings(consent="a" * LONGEST_NOTE))
    with pytest.raises(UsageError, match="1,001 letters"):
        check_settings(Settings(consent="a" * (LONGEST_NOTE + 1)))


def test_a_glb_holds_the_statement_and_all_that_it_held(tmp_path):
    path = tmp_path / "head.glb"
    content = {"asset": {"version": "2.0", "extras": {"mine": 1}}, "nodes": [{"name": "a"}]}
    write_glb(path, content)
    _, before = read_glb(path)
    origin.stamp_glb(path, SAID)
    found, after = read_glb(path)
    assert after == before
    assert found["nodes"] == content["nodes"]
    assert found["asset"]["extras"] == {"mine": 1, "effigy": SAID}
    assert found["extensionsUsed"] == ["KHR_xmp_json_ld"]
    packets = found["extensions"]["KHR_xmp_json_ld"]["packets"]
    packet = packets[found["asset"]["extensions"]["KHR_xmp_json_ld"]["packet"]]
    assert packet["xmp:CreatorTool"] == "Effigy 1.2.3"
    assert packet["Iptc4xmpExt:DigitalSourceType"] == origin.OF_A_PHOTO
    assert packet["xmpRights:UsageTerms"] == NOTE


@pytest.mark.parametrize("data", [b"", b"glTF" * 8, b"{}" * 40])
def test_what_is_no_glb_is_refused_and_left(tmp_path, data):
    path = tmp_path / "head.glb"
    path.write_bytes(data)
    with pytest.raises(HeadError, match=r"head\.glb is no binary glTF"):
        origin.stamp_glb(path, SAID)
    assert path.read_bytes() == data


def test_a_sidecar_lies_beside_the_file(tmp_path):
    beside = origin.write_sidecar(tmp_path / "head.fbx", SAID)
    assert beside.name == "head.fbx.provenance.json"
    assert json.loads(beside.read_text("utf-8")) == SAID


def test_the_manifest_says_what_the_statement_says():
    manifest = credentials.manifest_of(SAID, "albedo.png")
    assert manifest["claim_generator_info"] == [{"name": "Effigy", "version": "1.2.3"}]
    actions, own = manifest["assertions"]
    assert actions["label"] == "c2pa.actions.v2"
    (action,) = actions["data"]["actions"]
    assert action["action"] == "c2pa.created"
    assert action["digitalSourceType"] == origin.OF_A_PHOTO
    assert action["when"] == "2026-01-31T10:00:00Z"
    assert own["data"] == {"photo_sha256": "ab" * 32, "consent": NOTE}


@pytest.fixture
def signed_result(tmp_path):
    """The folder of a result with a texture, and the command's options for a signature."""
    folder = tmp_path / "Ada"
    write_synthetic(folder)
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(folder / "albedo.png")
    for name in ("chain.pem", "key.pem"):
        (tmp_path / name).write_text(name)
    return folder, (
        "--certificate",
        str(tmp_path / "chain.pem"),
        "--key",
        str(tmp_path / "key.pem"),
    )


def test_without_the_package_the_manifest_is_written_and_signing_says_what_to_install(
    signed_result, monkeypatch, capsys
):
    folder, options = signed_result
    monkeypatch.setitem(sys.modules, "c2pa", None)
    assert credentials.main([str(folder)]) == 0
    assert json.loads((folder / "c2pa.json").read_text("utf-8"))["title"] == "Ada"
    assert credentials.main([str(folder), *options]) == 1
    assert "pip install c2pa-python" in capsys.readouterr().err
    assert credentials.main([str(folder), *options[:2]]) == 2


@pytest.mark.parametrize("fails", [False, True])
def test_an_image_is_signed_in_place_or_left(signed_result, monkeypatch, capsys, fails):
    folder, options = signed_result
    before = (folder / "albedo.png").read_bytes()

    class Refused(Exception):
        pass

    class Builder:
        def __init__(self, manifest):
            self.manifest = manifest

        def sign_file(self, source, target, signer):
            if fails:
                raise Refused("no such key")
            with open(source, "rb") as read, open(target, "wb") as written:
                written.write(read.read() + self.manifest.encode() + signer)

    package = SimpleNamespace(
        Builder=Builder,
        C2paError=Refused,
        C2paSignerInfo=lambda *given: given,
        Signer=SimpleNamespace(from_info=lambda given: given[0] + given[2]),
    )
    monkeypatch.setitem(sys.modules, "c2pa", package)
    assert credentials.main([str(folder), *options]) == (1 if fails else 0)
    after = (folder / "albedo.png").read_bytes()
    if fails:
        assert after == before
        assert "could not be signed (no such key)" in capsys.readouterr().err
    else:
        assert after.startswith(before)
        assert after.endswith(b"es256key.pem")
    assert [path.name for path in folder.iterdir() if path.name.startswith(".partial")] == []
