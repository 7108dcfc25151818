"""Install engine: asks, obeys the offline setting, replaces an engine only by one that works."""

import os
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from tests.support.layout import Layout


@pytest.fixture
def install(module):
    return module("operators.engine.install")


@pytest.fixture
def base_python(module):
    return module("operators.engine.base_python")


@pytest.fixture
def background(module):
    return module("operators.engine.background")


@pytest.fixture
def package(tmp_path):
    """A wheel on disk, so that nothing is fetched from anywhere."""
    name, info = "effigy_probe-1.0", "effigy_probe-1.0.dist-info"
    path = tmp_path / f"{name}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr("effigy_probe.py", "ANSWER = 42\n")
        wheel.writestr(
            f"{info}/METADATA", "Metadata-Version: 2.1\nName: effigy-probe\nVersion: 1.0\n"
        )
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{info}/RECORD", "")
    return path


def requirements(tmp_path, text):
    path = tmp_path / "requirements.txt"
    path.write_text(text)
    return path


@pytest.fixture
def make_job(install, base_python, tmp_path):
    """Makes a job that installs ``text``'s packages into user/engine and tries effigy_probe."""

    def make(text, **plan):
        listed = (requirements(tmp_path, text),)
        how = {"options": ("--no-index",), "packages": ("effigy_probe",), "worker": False} | plan
        plan = install.Plan(requirements=listed, **how)
        return install.InstallJob(base_python.suitable_python(), tmp_path / "user/engine", plan)

    return make


@pytest.fixture
def old_engine(module, tmp_path):
    """A complete engine in user/engine, and what is in that folder with it."""
    location, folder = module("operators.engine.location"), tmp_path / "user/engine"
    python = location.private_python(folder)
    python.parent.mkdir(parents=True)
    python.write_text("old")
    (folder / location.INSTALLED_MARK).write_text("complete")
    return python


def folders(tmp_path):
    return sorted(path.name for path in (tmp_path / "user").iterdir() if path.is_dir())


def finish(job):
    while not job.step():
        time.sleep(0.02)


def test_it_makes_an_environment_that_the_extension_then_finds(
    install, module, make_job, old_engine, package, tmp_path
):
    folder = tmp_path / "user/engine"
    stopped = []
    job = make_job(f"{package}\n", before_swap=lambda: stopped.append(old_engine.read_text()))
    finish(job)
    assert job.fraction == 1.0
    assert stopped == ["old"]  # the old one was whole until then
    assert folders(tmp_path) == ["engine"]
    location = module("operators.engine.location")
    found = location.find_engine("", {}, folder)
    code = "import effigy_probe; print(effigy_probe.ANSWER)"
    done = subprocess.run([found.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "42"
    assert "effigy-probe" in (folder.parent / install.LOG_NAME).read_text()


@pytest.mark.parametrize(
    "case",
    [
        ("there-is-no-such-package==1\n", {}, "No matching distribution"),
        ("{package}\n", {"packages": ("absent_module",)}, "No module named 'absent_module'"),
        ("{package}\n", {"worker": True}, "Installing the engine failed"),
    ],
    ids=["not found", "does not import", "worker does not work"],
)
def test_a_failed_installation_says_so_and_leaves_the_old_engine(
    module, make_job, old_engine, package, tmp_path, case
):
    text, plan, message = case
    job = make_job(text.format(package=package), **plan)
    errors = module("ml.errors")
    with pytest.raises(errors.EngineUnavailable, match=message) as caught:
        finish(job)
    assert "engine-install.log" in caught.value.hint
    assert "still works" in caught.value.hint
    assert old_engine.read_text() == "old"
    assert folders(tmp_path) == ["engine"]


def test_cancelling_leaves_the_old_engine(make_job, old_engine, package, tmp_path):
    job = make_job(f"{package}\n")
    while not (tmp_path / "user/engine-new").exists():
        assert not job.step()
    job.cancel()
    assert folders(tmp_path) == ["engine"]
    assert old_engine.read_text() == "old"


LOCKING = """
import sys
from pathlib import Path
from ml.results.files import locked
with locked(Path(sys.argv[1])):
    print("locked", flush=True)
    sys.stdin.read()
"""


def test_two_blenders_do_not_install_at_once(make_job, module, old_engine, package, tmp_path):
    half_made = tmp_path / "user/engine-new/bin"
    half_made.mkdir(parents=True)
    other = subprocess.Popen(
        [sys.executable, "-c", LOCKING, str(tmp_path / "user")],
        cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert other.stdout.readline() == b"locked\n"
    with pytest.raises(module("ml.errors").HeadError, match="Another Blender is installing"):
        make_job(f"{package}\n")
    assert half_made.exists()  # the other's work is left alone
    other.kill()
    other.communicate()
    # The lock ended with its process.
    first = make_job(f"{package}\n")
    with pytest.raises(module("ml.errors").HeadError, match="Another Blender is installing"):
        make_job(f"{package}\n")
    first.cancel()


@pytest.mark.parametrize("code", [0, 1])
def test_the_lock_ends_with_the_installation(install, make_job, module, monkeypatch, code):
    job = make_job("absent==1\n")
    monkeypatch.setattr(job, "_swap", lambda: None)
    job._steps = [install.Step("pip", (sys.executable, "-c", f"raise SystemExit({code})"))]
    if code:
        with pytest.raises(module("ml.errors").EngineUnavailable):
            finish(job)
    else:
        finish(job)
    make_job("absent==1\n").cancel()


def test_a_swap_that_fails_puts_the_old_engine_back(
    module, make_job, old_engine, package, tmp_path, monkeypatch
):
    rename = Path.rename

    def refuse(path, target):
        if path.name == "engine-new":
            raise PermissionError("in use")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(module("ml.errors").HeadError, match="could not take the place"):
        finish(make_job(f"{package}\n"))
    assert folders(tmp_path) == ["engine"]
    assert old_engine.read_text() == "old"


def test_what_a_cut_off_installation_left_is_cleaned_up(make_job, old_engine, module, tmp_path):
    location, folder = module("operators.engine.location"), tmp_path / "user/engine"
    folder.rename(tmp_path / "user/engine-old")
    (tmp_path / "user/engine-new/bin").mkdir(parents=True)
    # Cut off in the middle of the swap: the old one serves, and is back in place at the next try.
    assert "engine-old" in str(location.find_engine("", {}, folder).executable)
    job = make_job("absent==1\n")
    assert folders(tmp_path) == ["engine"]
    job.cancel()
    assert old_engine.read_text() == "old"


@pytest.mark.parametrize(
    ("line", "meaning"),
    [
        ("WARNING: Retrying after connection broken by 'NewConnectionError(...)'", "PyPI could"),
        ("WARNING: ... ProxyError('Cannot connect to proxy.'", "PyPI could not be reached"),
        ("SSLError(SSLCertVerificationError(1, 'CERTIFICATE_VERIFY_FAILED", "certificate"),
        ("ERROR: [Errno 28] No space left on device", "disk is full"),
        ("ERROR: Wheel 'x' located at /x.whl is invalid.", "damaged"),
        (
            "PACKAGES DO NOT MATCH THE HASHES\n  x from file:///C:/a/x-1-py3.whl:\nGot 12",
            r"damaged.*\(x-1-py3.whl\).*replace it",
        ),
        ("PermissionError: [Errno 13] Permission denied: '/tmp/x'", "cannot be written to"),
    ],
)
def test_the_cause_of_a_failure_is_called_what_it_is(install, make_job, module, line, meaning):
    job = make_job("absent==1\n")
    program = f"print({line!r}); raise SystemExit('no success')"
    job._steps = [install.Step("pip", (sys.executable, "-c", program))]
    with pytest.raises(module("ml.errors").EngineUnavailable, match=meaning):
        finish(job)


class EndlessJob:
    fraction, message = 0.5, "Downloading torch"

    def __init__(self):
        self.cancelled = self.done = False

    def step(self):
        return self.done

    def cancel(self):
        self.cancelled = True


def test_an_installation_belongs_to_no_window(bpy, background, module):
    manager, job = bpy.context.window_manager, EndlessJob()
    run = background.begin(lambda: job, lambda job: "The engine is installed")
    try:
        assert run.tick() > 0
        assert bpy.app.timers.is_registered(run.timer)
        assert (manager.effigy_job.running, manager.effigy_job.message) == (True, job.message)
        with pytest.raises(module("ml.errors").HeadError, match="already at work"):
            background.begin(EndlessJob, lambda job: "")
        shown = draw_preferences(bpy, module)
        assert job.message in [text for _, text, _ in shown]
        assert "effigy.stop" in [entry[0] for entry in shown]
        job.done = True
        assert run.tick() is None
    finally:
        background.stop()
    assert not manager.effigy_job.running
    text = " ".join(text for _, text, _ in draw_preferences(bpy, module) if isinstance(text, str))
    assert "The engine is installed" in text


def test_the_stop_button_ends_an_installation(bpy, background):
    manager, job = bpy.context.window_manager, EndlessJob()
    run = background.begin(lambda: job, lambda job: "")
    assert bpy.ops.effigy.stop() == {"FINISHED"}
    assert run.tick() is None
    assert job.cancelled
    assert not manager.effigy_job.running
    assert not manager.effigy_engine.failed
    background.stop()


def test_blender_ending_ends_an_installation(bpy, background):
    job = EndlessJob()
    run = background.begin(lambda: job, lambda job: "")
    background.stop()
    assert job.cancelled
    assert not bpy.app.timers.is_registered(run.timer)
    bpy.context.window_manager.effigy_job.end()


def draw_preferences(bpy, module):
    """What the preferences show."""
    layout, own = Layout(), own_preferences(bpy, module)
    module("panels.preferences").draw_preferences(layout, own)
    return layout.drawn


def own_preferences(bpy, module):
    return bpy.context.preferences.addons[module("operators.runtime").EXTENSION].preferences


def test_the_preferences_wrap_long_errors_and_show_no_button_twice(bpy, module, monkeypatch):
    monkeypatch.setenv("EFFIGY_PYTHON", "/nowhere/" + "long/" * 40 + "python")
    shown = draw_preferences(bpy, module)
    operators = [entry[0] for entry in shown if str(entry[0]).startswith("effigy.")]
    assert sorted(operators) == [
        "effigy.check_engine",
        "effigy.install_engine",
        "effigy.install_engine_from_folder",
    ]
    assert all(len(entry[1]) < 90 for entry in shown if entry[0] == "label")


def test_the_chosen_python_is_of_a_supported_version(base_python, module, monkeypatch):
    done = subprocess.run(
        [base_python.suitable_python(), "-c", "import sys; print(*sys.version_info[:2])"],
        capture_output=True,
        text=True,
    )
    assert tuple(map(int, done.stdout.split())) in base_python.SUPPORTED
    monkeypatch.setattr(base_python, "SUPPORTED", ((2, 7),))
    errors = module("ml.errors")
    with pytest.raises(errors.EngineUnavailable, match=r"versions? .*was found"):
        base_python.suitable_python()


def test_a_program_beside_the_opened_file_is_never_run(base_python, tmp_path, monkeypatch):
    for folder in ("opened", "bin"):
        (tmp_path / folder).mkdir()
        program = tmp_path / folder / ("tool.exe" if os.name == "nt" else "tool")
        program.touch()
        program.chmod(0o755)
    monkeypatch.chdir(tmp_path / "opened")
    entries = ("", ".", str(tmp_path / "opened"), str(tmp_path / "bin"))
    monkeypatch.setenv("PATH", os.pathsep.join(entries))
    assert [path.parent.name for path in base_python.programs("tool")] == ["bin"]


UNWANTED = (
    *("PYTHONHOME", "PYTHONPATH", "PYTHONSTARTUP", "PIP_TARGET", "PIP_INDEX_URL", "VIRTUAL_ENV"),
    *("LD_PRELOAD", "LD_LIBRARY_PATH", "DYLD_INSERT_LIBRARIES", "DYLD_FRAMEWORK_PATH"),
    *("GCONV_PATH", "OPENSSL_MODULES", "OPENSSL_ENGINES", "GITHUB_TOKEN", "AWS_SECRET_ACCESS_KEY"),
)
# What a company's network and a person's own folders need.
NEEDED = ("PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "NUMBA_CACHE_DIR", "HOME")


@pytest.mark.skipif(os.name != "posix", reason="the program is a script")
def test_every_program_of_an_installation_gets_a_clean_environment(
    install, base_python, module, tmp_path, monkeypatch
):
    for name in (*UNWANTED, *NEEDED):
        # A program that LD_PRELOAD cannot be loaded for only says so.
        monkeypatch.setenv(name, str(tmp_path / "absent"))
    program, seen = tmp_path / "python", tmp_path / "seen"
    program.write_text(f'#!/bin/sh\nenv >> "{seen}"\necho 3 11\n')
    program.chmod(0o755)
    command, found = module("operators.engine.command").Command, []
    for question in ("", "{}"):
        running = command(install.Step("pip", (str(program),), tmp_path, question), tmp_path)
        while running.exit_code() is None:
            running.new_lines()
    assert base_python._version(program) == (3, 11)
    for line in seen.read_text().splitlines():
        found.append(line.partition("=")[0])
    assert not {*UNWANTED} & {*found}
    assert [found.count(name) for name in NEEDED] == [3] * len(NEEDED)


def test_a_program_is_started_by_its_whole_path_only(module):
    with pytest.raises(ValueError, match="whole path"):
        module("operators.engine.process").start_process(["python"])


def test_offline_blender_refuses_and_says_where_to_allow_it(bpy):
    assert not bpy.app.online_access
    with pytest.raises(RuntimeError, match="Allow Online Access"):
        bpy.ops.effigy.install_engine(agree=True)


def test_nothing_is_installed_without_agreement(bpy, module, monkeypatch):
    monkeypatch.setattr(module("operators.engine.operators"), "_check_online", lambda: None)
    with pytest.raises(RuntimeError, match="did not agree"):
        bpy.ops.effigy.install_engine()
    assert not module("operators.runtime").engine_folder().exists()


def test_every_package_has_a_version_and_hashes(install):
    nvidia = install.NVIDIA.with_name("requirements-nvidia.txt")
    for listed in (*install.REQUIREMENTS, nvidia, install.EXTRAS):
        text = listed.read_text()
        packages = [line for line in text.splitlines() if line and line[0] not in "# "]
        assert packages
        assert all("==" in line.split(";")[0] for line in packages)
        entries = text.replace("\\\n", "").splitlines()
        assert all("--hash=sha256:" in line for line in entries if not line.startswith("#"))
        assert Path(sys.prefix) not in listed.parents


@pytest.fixture
def plans(module, monkeypatch):
    """The plans of installations, none of which begins."""
    operators, noted = module("operators.engine.operators"), []

    def note(base, folder, plan):
        noted.append(plan)
        raise module("ml.errors").UsageError("noted")

    monkeypatch.setattr(operators, "_check_online", lambda: None)
    monkeypatch.setattr(operators, "InstallJob", note)
    return noted


def test_the_extras_are_installed_only_where_they_are_wanted(bpy, install, plans):
    for extras in (False, True):
        with pytest.raises(RuntimeError, match="noted"):
            bpy.ops.effigy.install_engine(agree=True, extras=extras)
    assert [install.EXTRAS in plan.requirements for plan in plans] == [False, True]


@pytest.mark.skipif(sys.platform == "darwin", reason="a Mac has one build")
def test_the_build_for_nvidia_comes_where_it_is_wanted(bpy, install, plans):
    for build in ("cpu", "nvidia"):
        with pytest.raises(RuntimeError, match="noted"):
            bpy.ops.effigy.install_engine(agree=True, build=build)
    assert [plan.requirements[1] for plan in plans] == [install.REQUIREMENTS[1], install.NVIDIA]
    assert install.NVIDIA.is_file()


def test_the_extras_are_offered_beside_what_needs_them(bpy, module, old_engine, monkeypatch):
    drawing, settings = module("operators.drawing"), bpy.context.scene.effigy
    folder = old_engine.parents[1]
    monkeypatch.setattr(drawing, "engine_folder", lambda: folder)

    def offered():
        layout = Layout()
        drawing.draw_options(layout, settings)
        buttons = [entry for entry in layout.drawn if entry[0] == "effigy.install_engine"]
        assert all(button.extras for _, _, button in buttons)
        return len(buttons)

    assert offered() == 0  # nothing asks for them
    settings.landmarks, settings.detail = "face-alignment", "consistent"
    assert offered() == 2
    site = "Lib/site-packages" if os.name == "nt" else "lib/python3.11/site-packages"
    for package, left in (("open_clip", 1), ("face_alignment", 0)):
        (folder / site / package).mkdir(parents=True)
        assert offered() == left
