"""A stand-in for a module that cannot be changed itself, such as Blender's."""


class Patched:
    """A module with some names replaced."""

    def __init__(self, real, **own):
        self._real = real
        vars(self).update(own)

    def __getattr__(self, name):
        return getattr(self._real, name)
