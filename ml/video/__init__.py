"""A video or a sequence of images of one person, from its file to an animation of their head."""
