"""How the face parsing network is trained."""
