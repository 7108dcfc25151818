"""The ablation's table: same views, paired differences, and a face CLIP distance that can tell."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from skimage.data import astronaut

from ml.data import FitResult, HeadCoefficients
from ml.errors import UsageError
from ml.evaluation.ablation import variants
from ml.evaluation.ablation.drawing import HeadRenderer
from ml.evaluation.ablation.photos import likeness_on, variant_heads
from ml.evaluation.ablation.pictures import TILE, Face, sheet
from ml.evaluation.ablation.resemblance import Resemblance
from ml.evaluation.ablation.table import VariantRow, report, summarise
from ml.evaluation.ablation.variants import COARSE, REFINED, read_variants
from ml.evaluation.likeness.heads import made_now
from ml.evaluation.likeness.measure import MEAN_FACE, Likeness
from ml.evaluation.likeness.ranks import Estimate
from ml.evaluation.pictures import STRIP
from ml.evaluation.synthetic.people import RenderedView
from ml.evaluation.synthetic.shape import ShapeError
from ml.geometry.triangles import triangulate
from ml.head.storage import load_head_model
from ml.perception.consistency import Consistency
from ml.rendering import rasterize, vertex_normals
from ml.training.loop import start_run
from ml.training.surface.train import SurfaceTraining
from tests.support.surface_labels import CONFIG, camera_of


def row(view, variant, error, landmarks=2.0):
    shape = ShapeError({"nose": error}, {"nose": 2.0}, error, 2.0, 0.5)
    parts = (error + 1, error + 2, error + 3, error + 4)
    return VariantRow(view, variant, landmarks, shape, 5.0, 0.2, 6.0, 0.9, 40.0, parts)


def test_variants_are_compared_in_the_same_views():
    rows = [row(0, COARSE, 1.5), row(0, REFINED, 1.0), row(1, COARSE, 2.5), row(1, REFINED, 2.2)]
    summary = summarise([*rows, row(1, "+ detail relief", 2.1, landmarks=float("nan"))])
    assert summary[COARSE]["change_mm"] == pytest.approx(0.4)
    assert summary[COARSE]["change_error_mm"] == pytest.approx(0.1)
    assert summary[REFINED]["change_mm"] == 0
    assert summary[REFINED]["ratio"] == pytest.approx(0.8)
    # Compared with the one view that it has, not with the mean of both.
    assert summary["+ detail relief"]["change_mm"] == pytest.approx(-0.1)
    main, rest = (part.splitlines() for part in report(summary, {}).split("\n\n"))
    assert "+0.400 ± 0.100 | 3.000 | 4.000 | 5.000 | 6.000 | 5.000 | 40 |" in main[2]
    assert "| normals 2-5 mm ° |" in main[0]
    assert "| - |" in rest[-1]
    for lines in (main, rest):
        assert len({line.count("|") for line in lines}) == 1


def test_likeness_on_photos_stands_beside():
    one, none = Estimate(1.0, 0.9, 1.0), Estimate(0.25, 0.1, 0.4)
    views = {"camera": {"rank 1": one, "rank 5": one}, "aside": {"rank 1": none}}
    figures = {name: views for name in (MEAN_FACE, COARSE, REFINED)}
    likeness = {"set/a": Likeness(7, {"x.jpg": "No face"}, figures)}
    summary = summarise([row(0, COARSE, 1.5), row(0, REFINED, 1.0)])
    main, rest, notes = report(summary, likeness).split("\n\n")
    lines = main.splitlines()
    assert "| set/a (7): rank 1, camera | set/a (7): rank 1, aside |" in lines[0]
    assert lines[2].startswith(f"| {MEAN_FACE} | 1.00 [0.90, 1.00] | 0.25 [0.10, 0.40] | - |")
    assert lines[3].startswith(f"| {COARSE} | 1.00")
    assert len({line.count("|") for line in lines}) == 1
    assert "1.00 [" not in rest
    assert notes == "set/a: x.jpg left out (No face)"


def test_photos_need_a_recogniser(tmp_path):
    assert likeness_on([], None, {}, []) == {}
    with pytest.raises(UsageError, match="face recogniser"):
        likeness_on([tmp_path], None, {}, [])


def test_variants_name_files(tmp_path):
    plain = tmp_path / "one.pt"
    plain.touch()
    assert read_variants([f"+ both={plain}"]) == {"+ both": plain}
    for wrong in (
        [f"{plain}"],
        [f"a={plain}", f"a={plain}"],
        [f"a={Path('nowhere.pt')}"],
        [f"{REFINED}={plain}"],
    ):
        with pytest.raises(UsageError):
            read_variants(wrong)


class Difference:
    """Stands for the face CLIP: mean difference of the colours."""

    def __call__(self, drawn, photo, mask, random):
        off = ((drawn - photo).abs() * mask).sum() / mask.sum()
        return Consistency(off, off, off, {})


def nobody(model):
    return HeadCoefficients(
        np.zeros(model.identity_count, np.float32),
        np.zeros(len(model.expression_names), np.float32),
    )


def photo_of(model, camera):
    """(S, S, 3) of the mean head, lit from the left, on black."""
    triangles = triangulate(model.quads[model.part_faces("skin")])
    vertices = model.shape.mean
    depth = camera.to_camera_space(vertices)[:, 2]
    points = np.column_stack([camera.project(vertices), depth]).astype(np.float32)
    drawn = rasterize(points, triangles, camera.height, camera.width)
    light = 0.5 + 0.4 * vertex_normals(vertices, triangles) @ [-0.6, 0, 0.8]
    grey = (light[triangles[drawn.face]] * drawn.barycentric).sum(-1) * (drawn.face >= 0)
    return np.repeat(255 * grey[..., None], 3, 2).astype(np.uint8)


def test_a_head_in_its_place_resembles_its_photo_more_than_one_beside_it():
    model, camera = load_head_model(), camera_of()
    nothing = np.zeros(0, np.float32)
    view = RenderedView(
        photo_of(model, camera), 0, "", nothing, nothing, camera.rotation, 0.0, nothing
    )
    beside = replace(camera, translation=camera.translation + np.float32([0.015, 0, 0]))
    resemblance = Resemblance(Difference())
    right, wrong = (
        resemblance.distance(view, FitResult(nobody(model), c, 0.0)) for c in (camera, beside)
    )
    assert right < 0.03
    assert wrong > 1.5 * right


def test_the_head_is_drawn_where_its_landmarks_are():
    model, side = load_head_model(), 48
    rng = np.random.default_rng(0)
    rgb = rng.integers(0, 256, (400, 400, 3), np.uint8)
    for turn in ((0.0, 0.0, 0.0), (0.2, -0.4, 0.3)):
        camera = camera_of(turn)
        drawing = HeadRenderer(model).draw(rgb, FitResult(nobody(model), camera, 0.0), side)
        changed = (drawing.drawn - drawing.photo).abs().amax((0, 1)) > 1e-6
        places = camera.project(model.points("dense").mean)[:468] * side / 400
        inside = torch.from_numpy(places[((places > 1) & (places < side - 1)).all(1)]).long()
        assert changed[inside[:, 1], inside[:, 0]].float().mean() > 0.95
        assert changed.float().mean() < 0.9
        assert drawing.mask[0, 0][~changed].max() < 1e-3


def test_skin_that_no_light_explains_counts_less():
    model, camera = load_head_model(), camera_of()
    fit = FitResult(nobody(model), camera, 0.0)
    lit = photo_of(model, camera)
    spotted = lit.copy()
    spotted[200:240, 180:220] = (255, 0, 255)
    plain, other = (HeadRenderer(model).draw(rgb, fit, 100).mask[0, 0] for rgb in (lit, spotted))
    assert plain[50:60, 45:55].mean() > 0.8
    assert other[51:59, 46:54].mean() < 0.3
    assert plain.max() <= 1


def test_checkpoints_of_any_size_are_variants(tmp_path):
    model = load_head_model()
    checkpoint = tmp_path / "checkpoint.pt"
    state = start_run(SurfaceTraining(CONFIG, model, None))
    torch.nn.init.normal_(state.average.read.weight)
    state.save(checkpoint)
    refinement = variants._of_checkpoint(checkpoint, model)
    assert torch.equal(refinement.network.read.weight, state.average.read.weight)
    assert refinement.network.shape.widths == CONFIG.network.widths
    assert set(variants.fitters(model, {"+ other": checkpoint})) == {COARSE, REFINED, "+ other"}


def test_the_picture_shows_whose_head_lies_where():
    """A head that is right everywhere is painted in the first colour, one that is off is not."""
    model = load_head_model()
    triangles = triangulate(model.quads[model.part_faces("skin")])
    true = model.shape.mean.astype(np.float32)
    where = (true[:, 2] > 0.05) & (abs(true[:, 1]) < 0.06)
    nose = np.exp(-(np.linalg.norm(true - true[true[:, 2].argmax()], axis=1) ** 2) / 0.02**2)
    rgb = np.full((64, 64, 3), 90, np.uint8)
    view = RenderedView(
        rgb,
        0,
        "ict",
        true,
        np.zeros(52),
        np.eye(3),
        0.0,
        np.zeros((2, 2)),
        shown=np.tri(64, dtype=bool),
    )
    longer = true + np.float32([0, 0, 0.006]) * nose[:, None].astype(np.float32)
    # Where a head stands does not count.
    found = {"same": true + np.float32(0.1), "longer": longer}
    drawn = sheet([view], [found], Face(triangles, where))
    assert drawn.shape == (STRIP + 2 * TILE, 4 * TILE, 3)
    tiles = [drawn[STRIP + TILE :, side : side + TILE].astype(int) for side in (2 * TILE, 3 * TILE)]
    # The last colours are yellow: more green than blue.
    yellow = [((tile[..., 1] - tile[..., 2]) > 60).sum() for tile in tiles]
    assert yellow[0] == 0
    assert yellow[1] > 50
    clay = [drawn[STRIP : STRIP + TILE, side : side + TILE] for side in (TILE, 2 * TILE, 3 * TILE)]
    assert (
        abs(clay[0].astype(int) - clay[1]).mean() < 0.5 < abs(clay[0].astype(int) - clay[2]).mean()
    )


def test_variants_on_photos_are_what_the_pipeline_makes(tmp_path):
    path = tmp_path / "astronaut.png"
    Image.fromarray(astronaut()).save(path)
    heads = variant_heads(variants.fitters(load_head_model(), {}), ["relief"])(path)
    assert list(heads) == [COARSE, REFINED, "+ detail relief"]
    made = made_now("relief")(path)["detail relief"]
    for name in (REFINED, "+ detail relief"):
        assert heads[name].landmarks == pytest.approx(made.landmarks, abs=1e-6)
    assert heads["+ detail relief"].offsets == pytest.approx(made.offsets, abs=1e-6)
    assert heads[REFINED].offsets is None
    assert abs(heads[COARSE].landmarks - made.landmarks).max() > 1e-3
