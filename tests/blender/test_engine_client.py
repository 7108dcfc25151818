"""The engine's process: found, started, obeyed, and got rid of, whatever it does."""

import os
import sys
import time
from pathlib import Path

import pytest

WORKER = Path(__file__).parents[1] / "support/fake_worker.py"


@pytest.fixture
def client_module(module):
    return module("operators.engine.client")


@pytest.fixture
def errors(module):
    return module("ml.errors")


@pytest.fixture
def start(client_module, fake_engine, tmp_path):
    """Makes a client with short limits, and the fake engine's executable."""
    clients = []

    def make(template=None, **limits):
        python = fake_engine(template) if template else fake_engine()
        client = client_module.EngineClient(tmp_path, client_module.Limits(**limits))
        clients.append(client)
        return client, python

    yield make
    for client in clients:
        client.stop()


def request(client, python, name, out):
    data = {"photo": f"/photos/{name}", "out": str(out), "settings": {}}
    return client.submit(python, "reconstruct", data)


def process_exists(number):
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_request_is_answered_with_progress_on_the_way(start, tmp_path):
    client, python = start()
    asked = request(client, python, "ok.jpg", tmp_path / "out")
    result = asked.wait()
    assert result["rows"][0]["heads"] == [str(tmp_path / "out")]
    assert (asked.fraction, asked.message) == (0.5, "Fitting")


def test_one_worker_serves_many_requests(start, tmp_path):
    client, python = start()
    first = client.start(python)
    for number in range(3):
        request(client, python, "ok.jpg", tmp_path / str(number)).wait()
    assert client.start(python) is first


def test_the_worker_gets_a_clean_environment(start, monkeypatch, tmp_path):
    unwanted = ("PYTHONHOME", "PYTHONPATH", "PYTHONSAFEPATH", "PYTHONUSERBASE", "PIP_TARGET")
    unwanted += ("LD_LIBRARY_PATH", "LD_AUDIT", "DYLD_INSERT_LIBRARIES", "MY_API_KEY", "SOME_TOKEN")
    for name in unwanted:
        monkeypatch.setenv(name, "/nowhere")
    monkeypatch.setenv("PIP_CERT", "/company.pem")
    monkeypatch.setenv("HTTPS_PROXY", "http://company:3128")
    client, python = start()
    answer = client.submit(python, "check", {}).wait()
    environment = answer["environment"]
    assert not set(unwanted) & set(environment)
    assert (environment["PYTHONNOUSERSITE"], environment["HF_HUB_OFFLINE"]) == ("1", "1")
    assert environment["PIP_CERT"] == "/company.pem"
    # No library finds the network by itself; only a download that was agreed to does.
    assert "HTTPS_PROXY" not in environment
    assert environment["https_proxy"] == "http://127.0.0.1:9"
    assert environment["EFFIGY_DOWNLOAD_PROXY"] == "http://company:3128"
    assert answer["folder"] == str(tmp_path)


def test_the_engines_own_error_keeps_its_kind_and_remedy(start, errors, tmp_path):
    client, python = start()
    with pytest.raises(errors.NoFaceFound) as caught:
        request(client, python, "noface.jpg", tmp_path / "out").wait()
    assert caught.value.hint == "Try another"
    assert client.start(python).alive  # a photo without a face is no reason to restart


def test_a_crash_tells_the_last_words_and_the_next_request_works(start, errors, tmp_path):
    client, python = start()
    with pytest.raises(errors.EngineUnavailable, match=r"exit status 3.*out of memory"):
        request(client, python, "crash.jpg", tmp_path / "out").wait()
    request(client, python, "ok.jpg", tmp_path / "out").wait()


def test_a_worker_that_cannot_start_says_why(start, errors, tmp_path):
    client, python = start("dead")
    with pytest.raises(errors.EngineUnavailable, match="No module named 'torch'"):
        request(client, python, "ok.jpg", tmp_path / "out").wait()


def test_an_executable_that_does_not_exist(start, errors, tmp_path):
    client, _ = start()
    with pytest.raises(errors.EngineUnavailable, match="could not be started"):
        client.submit(tmp_path / "missing", "check", {})


def test_garbage_ends_the_worker(start, errors, tmp_path):
    client, python = start()
    worker = client.start(python)
    with pytest.raises(errors.EngineUnavailable, match="unreadable line"):
        request(client, python, "garbage.jpg", tmp_path / "out").wait()
    assert not worker.alive


@pytest.mark.parametrize(
    ("template", "limits", "message"),
    [
        ("mute", {"start": 0.3}, "did not start within 0.3"),
        (None, {"silence": 0.3}, "not answered for 0.3"),
    ],
)
def test_silence_has_an_end(start, errors, tmp_path, template, limits, message):
    client, python = start(template, stop=0.5, **limits)
    worker = client.start(python)
    with pytest.raises(errors.EngineUnavailable, match=message):
        request(client, python, "silent.jpg", tmp_path / "out").wait()
    assert not worker.alive


def test_progress_is_no_silence(start, tmp_path):
    client, python = start(silence=1.5, stop=0.5)
    asked = request(client, python, "slow.jpg", tmp_path / "out")
    end = time.monotonic() + 3.0
    while time.monotonic() < end:
        assert not asked.poll()
        time.sleep(0.02)
    assert asked.message == "Still fitting"


def test_cancel_ends_the_process(start, tmp_path):
    client, python = start(stop=0.5)
    worker = client.start(python)
    asked = request(client, python, "slow.jpg", tmp_path / "out")
    while not worker.ready:
        asked.poll()
    asked.cancel()
    assert not worker.alive
    assert not process_exists(worker.about["pid"])


def test_the_order_in_which_the_engine_is_looked_for(module, errors, tmp_path, monkeypatch):
    location = module("operators.engine.location")
    chosen, variable = tmp_path / "chosen", tmp_path / "variable"
    folder = tmp_path / "engine"
    private = location.private_python(folder)
    private.parent.mkdir(parents=True)
    for path in (chosen, variable, private):
        path.touch()
    environment = {"EFFIGY_PYTHON": str(variable)}

    def found(preference, around):
        return location.find_engine(preference, around, folder).executable

    assert found(str(chosen), environment) == chosen
    assert found("", environment) == variable
    monkeypatch.setattr(location.importlib.util, "find_spec", lambda name: name == "torch" or None)
    assert found("", {}) == Path(sys.executable)  # the private one is only half made
    (folder / location.INSTALLED_MARK).touch()
    assert found("", {}) == private
    (folder / location.INSTALLED_MARK).unlink()
    monkeypatch.setattr(location.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(errors.EngineUnavailable, match="not installed"):
        found("", {})
    with pytest.raises(errors.EngineUnavailable, match="does not exist"):
        found(str(tmp_path / "gone"), environment)


def test_the_worker_is_told_where_its_log_goes(client_module, monkeypatch, tmp_path):
    commands = []
    monkeypatch.setattr(client_module, "Worker", lambda command, folder: commands.append(command))
    log = tmp_path / "engine.log"
    client_module.EngineClient(tmp_path, log=lambda: log).start(tmp_path / "python")
    client_module.EngineClient(tmp_path).start(tmp_path / "python")
    assert commands[0][1:] == ("-m", "ml.worker", "--log", str(log))
    assert commands[1][1:] == ("-m", "ml.worker")


def test_the_worker_is_started_for_the_device_of_the_preferences(
    start, client_module, module, tmp_path
):
    _, python = start()
    chosen = ["auto"]
    client = client_module.EngineClient(tmp_path, device=lambda: chosen[0])
    try:
        first = client.start(python)
        assert "--device" not in client._command
        chosen[0] = "cpu"
        second = client.start(python)
        assert client._command[-2:] == ("--device", "cpu")
        assert (first.alive, second.alive) == (False, True)
        assert client.start(python) is second
    finally:
        client.stop()


def test_the_preference_of_the_device_reaches_the_engine(module):
    runtime = module("operators.runtime")
    own = runtime.own_preferences()
    assert [item.identifier for item in own.bl_rna.properties["device"].enum_items] == [
        *("auto", "cpu", "cuda", "mps")
    ]
    try:
        own.device = "cuda"
        assert runtime.engine._device() == "cuda"
        assert "device" not in module("operators.settings").EFFIGY_PG_settings.bl_rna.properties
    finally:
        own.property_unset("device")
