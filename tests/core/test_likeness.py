"""Likeness: ranks, heads in clay, and the recogniser in another interpreter, by a stand-in."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ml.data import Detail, HeadCoefficients
from ml.errors import EngineUnavailable, HeadError, NoFaceFound, UsageError
from ml.evaluation.likeness import command, dlib_peer, measure
from ml.evaluation.likeness.clay import VIEWS, bent_normals, camera_of_view, draw_clay, in_crop
from ml.evaluation.likeness.heads import all_of, clay_head, from_results, mean_face, vertices_only
from ml.evaluation.likeness.measure import MEAN_FACE, SIDE, Sample, likeness_of, sittings
from ml.evaluation.likeness.ranks import estimate, figures, ranks_of
from ml.head.mesh import person_mesh, person_of
from ml.head.storage import load_head_model
from ml.results.folder import photo_digest
from ml.results.reconstruction import save_reconstruction
from tests.support.accuracy_rows import CAMERA
from tests.support.fake_pipeline import tiny_head

FRONT, ASIDE = VIEWS
# Embeds a picture by the averages of its quarters round the nose's base.
STAND_IN = """
import sys, numpy as np
from pathlib import Path
from PIL import Image
folder = Path(sys.argv[1])
points, found = np.load(folder / "points.npy"), []
for path, own in zip(sorted(folder.glob("*.png")), points, strict=True):
    x, y = own[33].astype(int)
    grey = np.asarray(Image.open(path).convert("L"), float)[max(y - 48, 0):y + 48, x - 48:x + 48]
    rows = np.array_split(grey, 12)
    found.append([part.mean() for row in rows for part in np.array_split(row, 12, axis=1)])
    print(path.name)
np.savez(sys.argv[2], embeddings=np.array(found))
"""


def test_ranks_count_photos_that_are_as_similar_as_the_right_one():
    photos = np.array([[1.0, 0], [-1, 0], [0, 2], [0, -2]])
    exact = ranks_of(2 * photos + 7.0, photos)
    assert exact.rank.tolist() == [0, 0, 0, 0]
    assert exact.above.tolist() == [1, 1, 1, 1]
    # The first two are taken for each other.
    swapped = ranks_of(photos[[1, 0, 2, 3]], photos)
    assert swapped.rank.tolist() == [3, 3, 0, 0]
    assert swapped.above.tolist() == [0, 0, 1, 1]
    # What looks the same whoever it shows finds nobody.
    same = ranks_of(np.ones((4, 2)), photos)
    assert same.rank.tolist() == [3, 3, 3, 3]
    assert same.above.tolist() == [0.5] * 4


def test_figures_are_means_over_photos_with_an_interval():
    rng = np.random.default_rng(1)
    photos = rng.normal(size=(40, 8))
    found = figures(ranks_of(photos + rng.normal(size=(40, 8)), photos))
    ranks = ranks_of(photos + 0.0, photos)
    assert figures(ranks)["rank 1"].value == 1
    assert 0.3 < found["rank 1"].value < found["rank 5"].value
    for one in found.values():
        assert one.low < one.value < one.high
    # The interval of a share has about the width that the binomial distribution gives it.
    half = estimate(np.tile([0.0, 1.0], 50))
    assert half.high - half.low == pytest.approx(2 * 1.96 * 0.05, rel=0.15)


def person(seed, size=2.5):
    model = load_head_model()
    identity = size * np.random.default_rng(seed).normal(size=model.identity_count)
    return HeadCoefficients(
        identity.astype(np.float32), np.zeros(len(model.expression_names), np.float32)
    )


def test_the_head_turns_about_itself():
    head = clay_head(person(0), CAMERA, level="low")
    camera = camera_of_view(head, ASIDE)
    middle = head.mesh.vertices_expressed.mean(0)
    assert camera.project(middle) == pytest.approx(CAMERA.project(middle), abs=1e-2)
    forward = camera.rotation @ np.float32([0, 0, 1])
    # To its left is to the right in the picture; the axis stays upright.
    angle = np.degrees(np.arctan2(forward[0], -forward[2]))
    assert angle == pytest.approx(25, abs=0.01)
    assert camera.rotation[:, 1] == pytest.approx(CAMERA.rotation[:, 1], abs=1e-6)
    assert camera_of_view(head, FRONT).rotation == pytest.approx(CAMERA.rotation, abs=1e-6)


def test_a_crop_shows_the_same_pixels():
    to_photo = np.array([[0.5, 0, 60], [0, 0.5, 40]], np.float32)
    points = np.random.default_rng(0).normal(0, 0.1, (9, 3)).astype(np.float32)
    there = in_crop(CAMERA, to_photo, SIDE).project(points)
    assert there @ to_photo[:, :2].T + to_photo[:, 2] == pytest.approx(
        CAMERA.project(points), abs=1e-3
    )


def drawn(head, strength, view=FRONT):
    to_photo = measure.crop_round(CAMERA.project(head.landmarks))
    camera = in_crop(camera_of_view(head, view), to_photo, SIDE)
    return draw_clay(head, camera, view, strength).astype(int)


def test_detail_is_drawn_by_its_strength():
    bare = clay_head(person(0), CAMERA, level="low")
    vertices = bare.mesh.vertices_expressed
    tip = vertices[vertices[:, 2].argmax()]
    near = np.exp(-(np.linalg.norm(vertices - tip, axis=1) ** 2) / 0.01**2)
    bump = (0.002 * near[:, None] * [0, 0, 1]).astype(np.float32)
    flat = np.full((64, 64, 3), (128, 128, 255), np.uint8)
    smooth, bumped = drawn(bare, 1.0), replace(bare, offsets=bump, normal_map=flat)
    changes = [abs(drawn(bumped, strength) - smooth).sum() for strength in (0.0, 1.0, 2.0)]
    assert changes[0] == 0
    assert 0 < 1.5 * changes[1] < changes[2]
    # A map alone, without offsets: normals all over the face lean to one side.
    leaning = replace(bare, normal_map=flat + np.uint8([60, 0, 0]))
    change = [drawn(leaning, strength) - smooth for strength in (0.0, 0.5, 1.0)]
    assert abs(change[0]).max() == 0
    # The lean is along u, the head's left, away from the key light.
    middle = [c[100:160, 90:166].mean() for c in change]
    assert middle[2] < middle[1] < -1


def test_normals_bend_as_blender_bends_them():
    """The rule of Blender's Normal Map node: N + strength * (mapped - N), normalised."""
    up, along = (np.tile(np.float32(axis), (1, 1, 1)) for axis in ([0, 0, 1], [1, 0, 0.4]))
    texels = np.float32([[[0.6, 0.0, 0.8]]])
    assert bent_normals(up, along, texels, 0.0) == pytest.approx(up)
    assert bent_normals(up, along, texels, 1.0) == pytest.approx(texels)
    twice = np.array([1.2, 0, 0.6])
    found = bent_normals(up, along, texels, 2.0)
    assert found[0, 0] == pytest.approx(twice / np.linalg.norm(twice))
    # +Y of the map is along v, which on the skin is upward when u is to the head's left.
    above = bent_normals(up, along, np.float32([[[0, 0.6, 0.8]]]), 1.0)
    assert above[0, 0] == pytest.approx([0, 0.6, 0.8])


def people_of(tmp_path, count):
    """Photos of heads in clay in their own light, and the heads that are in them."""
    heads = {}
    for number in range(count):
        head = clay_head(person(number), CAMERA, level="low")
        shown = draw_clay(head, CAMERA, FRONT, 0.0)
        Image.fromarray(shown).save(tmp_path / f"{number}.png")
        heads[tmp_path / f"{number}.png"] = head
    return heads


@pytest.fixture
def stand_in(tmp_path, monkeypatch):
    script = tmp_path / "stand_in.py"
    script.write_text(STAND_IN, encoding="utf-8")
    monkeypatch.setattr(measure, "SCRIPT", script)
    return measure.recogniser_of(Path(sys.executable))


def test_heads_are_recognised_and_the_mean_face_is_not(tmp_path, stand_in):
    heads = people_of(tmp_path, 6)
    left_out: dict[str, str] = {}

    def make(photo):
        if photo not in heads:
            raise NoFaceFound(f"No face in {photo.name}")
        return {"true": heads[photo]}

    photos = [*heads, tmp_path / "nobody.png"]
    found = likeness_of(list(sittings(photos, make, [1.0], left_out)), left_out, stand_in)
    assert list(found.figures) == [MEAN_FACE, "true"]
    assert found.photos == 6
    assert list(found.left_out) == ["nobody.png"]
    right, mean = found.figures["true"], found.figures[MEAN_FACE]
    assert right["camera"]["rank 1"].value == 1
    assert right["camera"]["AUC"].value == 1
    assert mean["camera"]["rank 1"].value < 0.5
    text = command.report("set/one", found)
    assert "| set/one: 6 photos |" in text
    assert "Left out: nobody.png (No face in nobody.png)" in text
    assert "1.00 [1.00, 1.00]" in text
    assert "1.000 [1.000, 1.000]" in text


def test_one_person_alone_is_refused(tmp_path, stand_in):
    heads = people_of(tmp_path, 1)
    with pytest.raises(UsageError, match="Heads were found in 1 photo"):
        likeness_of(list(sittings(heads, lambda p: {"true": heads[p]}, [1.0], {})), {}, stand_in)


def test_the_recogniser_gets_each_picture_once_with_its_landmarks(stand_in):
    """In their order; pictures that are the same but for their landmarks are not the same."""
    rng = np.random.default_rng(0)
    pictures = [rng.integers(0, 256, (SIDE, SIDE, 3), np.uint8) for _ in range(2)]
    left, right = (np.full((68, 2), place, np.float32) for place in (100, 140))
    samples = [Sample(pictures[0], left), Sample(pictures[1], left), Sample(pictures[0], right)]
    again = Sample(pictures[0].copy(), left.copy())
    counts = []

    def embed(some):
        counts.append(len(some))
        return stand_in(some)

    known = measure._embedded([*samples, again], embed)
    assert counts == [3]
    first, other, moved = (known[id(sample)] for sample in samples)
    assert (known[id(again)] == first).all()
    grey = np.asarray(Image.fromarray(pictures[1]).convert("L"), float)
    assert other[0] == pytest.approx(grey[52:60, 52:60].mean())
    assert not np.allclose(first, moved)


def test_an_interpreter_without_the_recogniser_has_a_remedy(tmp_path, monkeypatch):
    script = tmp_path / "stand_in.py"
    script.write_text("raise ModuleNotFoundError(\"No module named 'dlib'\")", encoding="utf-8")
    monkeypatch.setattr(measure, "SCRIPT", script)
    with pytest.raises(EngineUnavailable, match="No module named 'dlib'") as caught:
        measure.recogniser_of(Path(sys.executable))
    assert "pip install dlib-bin face-recognition-models" in caught.value.hint
    with pytest.raises(EngineUnavailable, match="absent could not be started"):
        measure.recogniser_of(tmp_path / "absent")
    monkeypatch.setattr(dlib_peer.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ModuleNotFoundError, match="face_recognition_models"):
        dlib_peer.weights()


def save(tmp_path, coefficients, model=None):
    """A result with detail at the low level, in a folder that is not called after its photo."""
    photo, shipped = tmp_path / "a.png", load_head_model()
    Image.new("RGB", (64, 64), (90, 120, 90)).save(photo)
    mesh = person_mesh(shipped, person_of(shipped, coefficients), "low")
    offsets = np.full_like(mesh.vertices, 0.001)
    made = tiny_head(photo)
    origin = replace(made.provenance, level="low", photo_sha256=photo_digest(photo))
    if model is not None:
        origin = replace(origin, model_version=model)
    detail = Detail("fast", offsets, np.full((32, 32, 3), (140, 120, 250), np.uint8))
    result = replace(
        made,
        provenance=origin,
        mesh=mesh,
        coefficients=coefficients,
        camera=replace(CAMERA, width=640, height=480),
        detail=detail,
        photo_rgb=None,
    )
    save_reconstruction(result, tmp_path / "results" / "x")
    return photo, mesh, detail


def test_results_are_found_by_the_bytes_of_their_photos(tmp_path):
    photo, mesh, detail = save(tmp_path, person(3, 1.0))
    make = from_results("mine", tmp_path / "results")
    (name, head), *rest = make(photo).items()
    assert (name, rest) == ("mine", [])
    assert head.mesh.vertices_expressed == pytest.approx(mesh.vertices_expressed, abs=1e-5)
    assert head.offsets == pytest.approx(detail.offsets, abs=1e-6)
    assert (head.normal_map == detail.normal_map).all()
    assert vertices_only(make)(photo)["mine"].normal_map is None
    other = tmp_path / "b.png"
    Image.new("RGB", (64, 64)).save(other)
    with pytest.raises(NoFaceFound, match="holds no head"):
        make(other)
    both = all_of([make, from_results("again", tmp_path / "results")])
    assert list(both(photo)) == ["mine", "again"]
    # The mean face keeps pose and expression, and has neither identity nor detail.
    mean, model = mean_face(head), load_head_model()
    assert mean.camera == head.camera
    assert mean.offsets is None
    landmarks = model.landmark_sets["ibug68"].on(model.shape.mean)
    assert abs(mean.landmarks - landmarks).max() < 0.001 < abs(head.landmarks - landmarks).max()


def test_results_of_another_head_model_or_none_at_all_are_refused(tmp_path):
    photo, *_ = save(tmp_path, person(3, 1.0), model="0.0")
    with pytest.raises(HeadError, match="was made with"):
        from_results("mine", tmp_path / "results")(photo)
    with pytest.raises(UsageError, match="holds no results"):
        from_results("mine", tmp_path / "nowhere")


def test_strengths_are_variants_where_there_are_several(tmp_path):
    (photo, head), *_ = people_of(tmp_path, 1).items()
    sat = measure.sitting_of(photo, {"one": head, "two": head}, [0.0, 1.5])
    assert list(sat.crops) == [MEAN_FACE, "one x0", "one x1.5", "two x0", "two x1.5"]
    assert set(sat.renders) == {(name, view.name) for name in sat.crops for view in VIEWS}


def test_names_of_results_come_once_each():
    assert command.read_named(["a=b/c", "d=e"]) == [("a", Path("b/c")), ("d", Path("e"))]
    for wrong in (["a"], ["=a"], ["a=b", "a=c"]):
        with pytest.raises(UsageError, match="NAME=FOLDER"):
            command.read_named(wrong)
    assert command.title_of(Path("data/portraits/dev")) == "portraits/dev"
