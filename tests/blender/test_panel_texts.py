"""Texts of the sidebar: nothing of them is cut off."""

from types import SimpleNamespace

import pytest

from tests.support.layout import Layout


@pytest.mark.parametrize("photo", ["a.jpg", "portrait of my grandmother in the garden, 1968.jpg"])
def test_a_long_message_of_a_job_takes_several_lines(module, photo):
    message = f"12/250 {photo}: Reading the face's detail"
    job, layout = SimpleNamespace(running=True, message=message, fraction=0.5), Layout()
    assert module("panels.engine_hint").draw_progress(layout, job)
    labels = [(text, icon) for kind, text, icon in layout.drawn if kind == "label"]
    assert " ".join(text for text, _ in labels) == message
    assert all(len(text) <= 60 for text, _ in labels)
    assert {icon for _, icon in labels} == {"NONE"}
