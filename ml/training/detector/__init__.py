"""How the face detector is trained."""
