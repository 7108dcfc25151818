"""What Blender says of a head that cannot be trusted."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from ml.results.reconstruction import save_reconstruction
from ml.results.report import Row
from tests.support.layout import draw

REASON = "Half of the face lies outside the picture"


@pytest.fixture
def labels(bpy, saved_head, module):
    """Builds the invented head with these values, and gives the texts on its panel."""

    def of(**values):
        save_reconstruction(replace(saved_head.head, **values), saved_head.directory)
        bpy.ops.effigy.build(directory=str(saved_head.directory))
        entries = draw(module("panels.sidebar").EFFIGY_PT_head, bpy.context)
        return [entry[1] for entry in entries if entry[0] == "label"]

    return of


def test_the_panel_shows_quality_beside_confidence_and_the_reason_if_it_is_low(labels):
    low = labels(quality=0.125, quality_reason=REASON)
    assert "Quality 0.12, confidence 0.90" in low
    assert REASON in " ".join(low)
    high = labels(quality=0.875)
    assert "Quality 0.88, confidence 0.90" in high
    assert len(high) < len(low)


def test_a_head_of_an_earlier_version_has_no_such_line(labels):
    assert not [text for text in labels() if text.startswith("Quality")]


def finished(rows):
    order = SimpleNamespace(out="results")
    return SimpleNamespace(rows=rows, error=None, order=order, write_report=lambda: "report.json")


def reported(call):
    told = []
    call(SimpleNamespace(report=lambda kind, text: told.append((kind, text))))
    return told[0]


def test_the_report_on_one_photo_says_why(module):
    conclude = module("operators.reconstruct").EFFIGY_OT_reconstruct._conclude_one
    row = Row("a/me.jpg", "ok", 2.0, ("a/me",), quality=0.1, quality_reason=REASON)
    kind, text = reported(lambda own: conclude(own, SimpleNamespace(error=None, rows=[row]), ""))
    assert kind == {"WARNING"}
    assert text == f"me.jpg: 1 head in 2.0 s. Low quality (0.10): {REASON}"
    row = replace(row, quality=0.9, quality_reason="")
    assert reported(lambda own: conclude(own, SimpleNamespace(error=None, rows=[row]), ""))[0] == {
        "INFO"
    }


def test_the_report_on_several_photos_names_the_doubtful(module):
    rows = [Row(f"{name}.jpg", "ok", quality=0.9) for name in "ab"]
    rows.append(Row("c.jpg", "ok", quality=0.1, quality_reason=REASON))
    job = finished(rows)
    conclude = module("operators.jobs.reconstruction").conclude_several
    kind, text = reported(lambda own: conclude(own, job))
    assert kind == {"WARNING"}
    assert text.endswith("Low quality: c.jpg")
    job.rows = rows[:2]
    assert reported(lambda own: conclude(own, job))[0] == {"INFO"}


def test_the_command_prints_it(module, capsys):
    row = Row("me.jpg", "ok", quality=0.1, quality_reason=REASON)
    module("operators.command_line")._print_row(row)
    assert f"Low quality (0.10): {REASON}" in capsys.readouterr().out


def test_a_photo_of_somebody_else_is_named_once(module):
    message = "a.jpg and b.jpg do not seem to show the same person: leave one of them out"
    rows = [Row(f"{name}.jpg", "ok", warning=message) for name in "ab"]
    job = finished(rows)
    conclude = module("operators.jobs.reconstruction").conclude_several
    kind, text = reported(lambda own: conclude(own, job))
    assert kind == {"WARNING"}
    assert text.endswith(f". {message}")
    assert text.count(message) == 1


def test_a_head_names_the_photo_of_somebody_else_for_good(
    bpy, fake_engine, photos, module, tmp_path
):
    folder = photos("a.jpg", "man.jpg", "z.jpg")
    files = [{"name": name} for name in ("a.jpg", "man.jpg", "z.jpg")]
    out = str(tmp_path / "out")
    bpy.ops.effigy.reconstruct(directory=f"{folder}/", files=files, output=out, same_person=True)
    name = bpy.context.object.name
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "head.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "head.blend"))
    bpy.context.view_layer.objects.active = bpy.data.objects[name]
    entries = draw(module("panels.sidebar").EFFIGY_PT_photos, bpy.context)
    assert ("label", "man.jpg shows somebody else", "ERROR") in entries
