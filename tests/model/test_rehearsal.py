"""A warm engine: the first photo finds all weights loaded and all code compiled."""

from pathlib import Path

import numpy as np
from skimage.data import astronaut

from ml.appearance import kernels, texture
from ml.data import Photo
from ml.parsing.parse import load_parser
from ml.photo.detector import load_detector
from ml.pipeline.fit import fit_photo
from ml.pipeline.rehearsal import rehearse
from ml.pipeline.single import warm_up
from ml.regressor.expressions import load_expressions
from ml.regressor.face_mesh import load_face_mesh
from ml.regressor.regressor import load_regressor
from ml.regressor.surface_refinement import load_surface_refinement
from ml.settings import Settings


def test_a_rehearsal_paints_a_face_with_the_shipped_weights(monkeypatch):
    painted, make = [], texture.make_albedo

    def noted(*given):
        painted.append(make(*given))
        return painted[-1]

    monkeypatch.setattr(texture, "make_albedo", noted)
    rehearse()
    (albedo,) = painted
    # The picture was seen: there is more than the one colour of an unseen head.
    assert len(np.unique(albedo.reshape(-1, 3), axis=0)) > 100
    compiled = [kernels.sample, kernels.residual, kernels.fill_gaps, kernels.encode_albedo]
    assert all(kernel.signatures for kernel in compiled)


def test_a_photo_after_warming_up_loads_nothing():
    warm_up()
    loaders = (load_detector, load_regressor, load_expressions, load_face_mesh, load_parser)
    loaders += (load_surface_refinement,)
    before = [loader.cache_info().misses for loader in loaders]
    rgb = np.ascontiguousarray(astronaut()[:300, 80:380])
    fit_photo(Photo(rgb, Path("astronaut.png"), ""), Settings())
    assert all(before)
    assert [loader.cache_info().misses for loader in loaders] == before
