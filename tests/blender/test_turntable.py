"""The binary glTF of a turntable in Blender's own importer."""

import numpy as np

from ml.results.turntable import turntable_glb
from tests.support.fake_pipeline import tiny_head


def test_blender_reads_the_head_of_a_turntable(bpy, tmp_path):
    head = tiny_head(tmp_path / "a.jpg")
    path = tmp_path / "head.glb"
    path.write_bytes(turntable_glb(head))
    before = {*bpy.data.images}
    bpy.ops.import_scene.gltf(filepath=str(path))
    (made,) = (each for each in bpy.data.objects if each.type == "MESH")
    points = np.array([each.co[:] for each in made.data.vertices])
    x, y, z = head.mesh.vertices_expressed.T
    # Blender's Z is up.
    np.testing.assert_allclose(np.sort(points, 0), np.sort(np.column_stack([x, -z, y]), 0))
    assert len(made.data.polygons) == 2
    (image,) = {*bpy.data.images} - before
    assert tuple(image.size) == (64, 64)
