"""A warm engine: the first photo finds all weights loaded and all code compiled."""

import numpy as np

from ml.appearance import kernels, texture
from ml.pipeline.rehearsal import rehearse


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
