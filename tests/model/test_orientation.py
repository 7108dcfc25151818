"""EXIF's orientation against the picture."""

import numpy as np
import pytest
from PIL import Image
from skimage import data

from ml.photo.read import read_photo
from ml.pipeline import upright
from ml.pipeline.same_person import reconstruct_person
from ml.pipeline.single import reconstruct
from ml.results.reconstruction import load_reconstruction, save_reconstruction
from ml.settings import Settings

PORTRAIT = np.ascontiguousarray(data.astronaut()[:300, 80:350])
ONLY_SHAPE = Settings(texture_size=0, detail="off")


def saved(path, rgb, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(np.ascontiguousarray(rgb)).save(path, exif=exif)
    return path


@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_the_picture_is_believed_where_exif_lays_the_face(tmp_path, orientation):
    path = saved(tmp_path / "photo.png", PORTRAIT, orientation)
    head = reconstruct(path, ONLY_SHAPE)[0]
    refused = head.to_json()["photo"]["orientation_refused"]
    assert f"orientation {orientation}" in refused
    assert np.array_equal(head.photo_rgb, PORTRAIT)
    assert (head.provenance.width, head.provenance.height) == (270, 300)
    plain = reconstruct(saved(tmp_path / "plain.png", PORTRAIT, 1), ONLY_SHAPE)[0]
    np.testing.assert_allclose(head.landmarks_68_px, plain.landmarks_68_px, atol=0.5)
    save_reconstruction(head, tmp_path / "head")
    assert load_reconstruction(tmp_path / "head").provenance == head.provenance
    together = reconstruct_person([path], ONLY_SHAPE).heads[0]
    assert together.provenance.orientation_refused == refused
    assert np.array_equal(together.photo_rgb, PORTRAIT)


def test_exif_is_believed_where_the_face_stands_then(tmp_path, monkeypatch):
    path = saved(tmp_path / "photo.png", np.rot90(PORTRAIT), 6)
    searches = []
    observe = upright.observe
    monkeypatch.setattr(
        upright, "observe", lambda *given: searches.append(given) or observe(*given)
    )
    shown = upright.observe_upright(read_photo(path), ONLY_SHAPE)
    assert np.array_equal(shown.photo.rgb, PORTRAIT)
    assert (shown.quarters, shown.photo.orientation_refused) == (0, "")
    assert len(searches) == 1


def test_without_exif_who_lies_lies(tmp_path):
    path = saved(tmp_path / "photo.png", np.rot90(PORTRAIT), 1)
    head = reconstruct(path, ONLY_SHAPE)[0]
    assert "orientation_refused" not in head.to_json()["photo"]
    assert np.array_equal(head.photo_rgb, np.rot90(PORTRAIT))
