"""What a reconstruction becomes in Blender: mesh, shape keys, camera, material, collection."""
