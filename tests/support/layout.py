"""A stand-in for Blender's layout, which cannot be drawn to without a window."""

from __future__ import annotations

from types import SimpleNamespace


class Layout:
    """Notes labels, buttons and properties, and that every property exists.

    Attributes
    ----------
    drawn: (operator's name, its arguments, the button), ("label", text, icon) or
        (owner, path, value of the property), in the order in which they were drawn.
    """

    def __init__(self, drawn=None):
        self.drawn = drawn if drawn is not None else []

    def __getattr__(self, name):
        if name in ("column", "row", "split"):
            return lambda **_: Layout(self.drawn)
        return lambda *_, **__: None

    def panel(self, *_, **__):
        return Layout(self.drawn), Layout(self.drawn)

    def label(self, text="", icon="NONE", text_ctxt="", translate=True):
        # Either Blender translates it, by Effigy's words, or it was translated before: twice would
        # make another word of it.
        assert not text or translate == bool(text_ctxt), f"{text!r} is translated twice, or not"
        self.drawn.append(("label", text, icon))

    def operator(self, name, **how):
        button = SimpleNamespace()
        self.drawn.append((name, how, button))
        return button

    def prop(self, owner, path, **how):
        # As Blender does, path_resolve takes the path of a custom property, ["name"], too.
        self.drawn.append((owner, path, _value(owner, path)))


def _value(owner, path):
    # A stand-in for an operator has no paths.
    return owner.path_resolve(path) if hasattr(owner, "path_resolve") else getattr(owner, path)


def draw(panel, context) -> list[tuple]:
    """What a panel draws in this context; see :attr:`Layout.drawn`."""
    layout = Layout()
    panel.draw(SimpleNamespace(layout=layout), context)
    return layout.drawn
