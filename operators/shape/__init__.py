"""Shape sliders in Blender: the head in the scene follows them while they are moved."""
