"""The small CLIP of faces that ships with Effigy: captions, training, figures, export."""
