"""Training of the face CLIP that ships with Effigy: captions, training, figures, export."""
