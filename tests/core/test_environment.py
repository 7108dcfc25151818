"""The environment for tests and demo, and which build of PyTorch pip is led to."""

import hashlib
import os
import shutil
import socket
import subprocess
import sys
import zipfile
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

ROOT = Path(__file__).resolve().parents[2]
PIP_INSTALL = ROOT / "operators/engine/pip_install.py"
SUFFIX = "Scripts/python.exe" if os.name == "nt" else "bin/python"
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has builds with CUDA")


def write_wheel(folder, name, version, more=""):
    """A package without content, as pip installs it."""
    folder.mkdir(parents=True, exist_ok=True)
    info = f"{name}-{version}.dist-info"
    path = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr(f"{name}.py", "")
        wheel.writestr(
            f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{more}"
        )
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{info}/RECORD", "")
    return path


@pytest.fixture
def indexes(tmp_path):
    """Two package indexes over HTTP: the ordinary one, and one with builds for the CPU."""
    for version, folder in (("9.9", "ordinary"), ("9.9+cpu", "cpu")):
        write_wheel(tmp_path / folder / "torch", "torch", version)
    write_wheel(tmp_path / "ordinary/other", "other", "1.0")

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path)))
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def digest_of(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def install(indexes, tmp_path):
    """Installs torch 9.9 and another package beside each other; gives what pip said and did.

    The list has the hashes of the ordinary wheels, and of torch's for the CPU, as ours has.
    """

    def run(cpu_index, *options, digest="", code=0, **environment):
        listed = tmp_path / "requirements.txt"
        ordinary, other = (next(tmp_path.glob(f"ordinary/{n}/*.whl")) for n in ("torch", "other"))
        digest = digest or digest_of(next(tmp_path.glob("cpu/torch/*.whl")))
        hashes = [f" \\\n    --hash=sha256:{each}" for each in (digest_of(ordinary), digest)]
        torch = f'torch==9.9; python_version > "3"{"".join(hashes)}\n'
        listed.write_text(f"# PyTorch\n{torch}other==1.0 --hash=sha256:{digest_of(other)}\n")
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
        kept |= {"PIP_CONFIG_FILE": os.devnull, "PIP_INDEX_URL": f"{indexes}/ordinary"}
        kept |= {"NO_PROXY": "127.0.0.1"}
        target = tmp_path / "installed"
        command = [sys.executable, "-I", PIP_INSTALL, "--cpu-index", cpu_index, "-r", listed]
        command += options
        done = subprocess.run(
            [*command, "--no-cache-dir", "--target", target],
            env=kept | environment,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == code, done.stdout + done.stderr
        found = {path.name.removesuffix(".dist-info") for path in target.glob("*.dist-info")}
        return found, done.stdout + done.stderr

    return run


@on_linux
def test_the_build_for_the_cpu_is_taken_where_its_index_answers(install, indexes):
    found, told = install(f"{indexes}/cpu")
    assert found == {"torch-9.9+cpu", "other-1.0"}
    assert "CUDA" not in told


@on_linux
@pytest.mark.parametrize(
    "cpu_index", ["http://127.0.0.1:1", "{indexes}/absent"], ids=["unreachable", "absent"]
)
def test_without_that_index_the_ordinary_one_serves_and_what_comes_is_said(
    install, indexes, cpu_index
):
    found, told = install(cpu_index.format(indexes=indexes))
    assert found == {"torch-9.9", "other-1.0"}
    assert "may bring CUDA" in told
    # The index that does not answer is not asked again for every package.
    assert "Retrying" not in told


@on_linux
def test_a_wheel_that_pip_already_finds_needs_no_other_index(install, tmp_path):
    wheel = write_wheel(tmp_path / "wheels", "torch", "9.9+cpu")
    links = wheel.parent.as_uri()
    found, told = install("http://127.0.0.1:1", digest=digest_of(wheel), PIP_FIND_LINKS=links)
    assert found == {"torch-9.9+cpu", "other-1.0"}
    assert "CUDA" not in told


@on_linux
def test_the_build_for_the_cpu_is_checked_by_its_hash(install, indexes, tmp_path):
    found, told = install(f"{indexes}/cpu", digest="0" * 64, code=1)
    assert "DO NOT MATCH" in told
    assert not found


@on_linux
@pytest.mark.parametrize("digest", ["", "0" * 64])
def test_the_ordinary_build_is_checked_where_its_list_is_there(install, tmp_path, digest):
    lines = []
    for name, version in (("torch", "9.9"), ("other", "1.0")):
        (wheel,) = tmp_path.glob(f"ordinary/{name}/*.whl")
        lines.append(f"{name}==={version} --hash=sha256:{digest or digest_of(wheel)}\n")
    (tmp_path / "requirements-nvidia.txt").write_text("".join(lines))
    found, told = install("http://127.0.0.1:1", code=int(bool(digest)))
    assert ("DO NOT MATCH" in told) == bool(digest)
    assert found == (set() if digest else {"torch-9.9", "other-1.0"})


@on_linux
@pytest.mark.parametrize("digest", ["", "0" * 64])
def test_in_a_folder_the_build_for_the_cpu_is_checked_by_its_hash(install, tmp_path, digest):
    folder = tmp_path / "a folder"
    wheel = write_wheel(folder, "torch", "9.9+cpu")
    for each in tmp_path.glob("ordinary/*/*.whl"):
        shutil.copy2(each, folder)
    options, code = ("--no-index", "--find-links", folder), int(bool(digest))
    found, told = install("", *options, digest=digest or digest_of(wheel), code=code)
    assert ("DO NOT MATCH" in told) == bool(digest)
    assert found == (set() if digest else {"torch-9.9+cpu", "other-1.0"})


@on_linux
def test_in_a_folder_another_build_is_the_persons_own_choice(install, tmp_path):
    folder = tmp_path / "a folder"
    write_wheel(folder, "torch", "9.9+cu130")
    write_wheel(folder, "other", "1.0")
    found, _ = install("", "--no-index", "--find-links", folder)
    assert found == {"torch-9.9+cu130", "other-1.0"}


def test_a_list_with_hashes_brings_nothing_besides(indexes, tmp_path):
    """face-alignment asks for opencv-python, which would lie over opencv-python-headless."""
    wheel = write_wheel(tmp_path / "wheels", "needy", "1.0", "Requires-Dist: other\n")
    listed = tmp_path / "requirements.txt"
    listed.write_text(f"needy==1.0 --hash=sha256:{digest_of(wheel)}\n")
    target = ("--no-index", "--find-links", wheel.parent, "--target", tmp_path / "installed")
    command = [sys.executable, "-I", PIP_INSTALL, "-r", listed, *target]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    assert [*(tmp_path / "installed").glob("needy*.dist-info")]


def test_a_package_with_another_hash_is_refused(indexes, tmp_path):
    listed = tmp_path / "requirements.txt"
    wheel = tmp_path / "ordinary/other/other-1.0-py3-none-any.whl"
    environment = dict(os.environ) | {"PIP_CONFIG_FILE": os.devnull, "NO_PROXY": "127.0.0.1"}
    environment["PIP_INDEX_URL"] = f"{indexes}/ordinary"
    for digest, code in ((hashlib.sha256(wheel.read_bytes()).hexdigest(), 0), ("0" * 64, 1)):
        listed.write_text(f"other==1.0 \\\n    --hash=sha256:{digest}\n")
        target = ("--no-cache-dir", "--target", tmp_path / f"installed {code}")
        command = [sys.executable, "-I", PIP_INSTALL, "-r", listed, *target]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
        assert done.returncode == code, done.stderr
    assert "DO NOT MATCH" in done.stderr


@pytest.mark.skipif(os.name != "posix", reason="Windows does not say that a parent has ended")
def test_pip_ends_with_the_blender_that_started_it(tmp_path):
    """Or it would go on to write into a folder that the next installation has made anew."""
    (tmp_path / "requirements.txt").write_text("other==1.0\n")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
        kept["PIP_INDEX_URL"] = f"http://127.0.0.1:{silent.getsockname()[1]}"
        kept |= {"PIP_CONFIG_FILE": os.devnull, "NO_PROXY": "127.0.0.1", "PIP_TIMEOUT": "600"}
        kept["TMPDIR"] = str(tmp_path)  # pip may be still cleaning up there
        command = [sys.executable, "-I", str(PIP_INSTALL), "-r", str(tmp_path / "requirements.txt")]
        code = f"import subprocess, sys; subprocess.Popen({command!r}); sys.stdin.read()"
        parent = [sys.executable, "-c", code]
        with subprocess.Popen(parent, env=kept, stdin=subprocess.PIPE) as parent:
            connection, _ = silent.accept()  # pip waits for an answer that does not come
            parent.kill()
            assert connection.recv(1)
            connection.settimeout(60)  # it ends with the process
            while connection.recv(1 << 16):
                pass
            connection.close()


def make_environment(folder):
    command = [sys.executable, ROOT / ".ci/install.py", folder]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def snapshot(folder):
    return {path: path.lstat().st_mtime_ns for path in folder.rglob("*")}


def test_a_linked_environment_is_used_as_it_is(tmp_path):
    python = tmp_path / "somebody else's" / SUFFIX
    python.parent.mkdir(parents=True)
    python.write_text("")
    folder = tmp_path / "a clone" / ".venv"
    folder.parent.mkdir()
    folder.symlink_to(tmp_path / "somebody else's", target_is_directory=True)
    before = snapshot(tmp_path)
    done = make_environment(folder)
    assert done.returncode == 0, done.stderr
    assert snapshot(tmp_path) == before


def test_a_link_to_nothing_is_an_error_and_stays_one(tmp_path):
    folder = tmp_path / ".venv"
    folder.symlink_to(tmp_path / "gone", target_is_directory=True)
    done = make_environment(folder)
    assert done.returncode == 1
    assert "leads to no environment" in done.stderr
    assert not (tmp_path / "gone").exists()


def test_a_complete_environment_is_left_alone(tmp_path):
    engine = ROOT / "operators/engine"
    names = ("requirements.txt", "requirements-torch.txt", "requirements-extras.txt")
    listed = (*(engine / name for name in names), ROOT / ".ci/requirements.txt")
    text = "".join(path.read_text(encoding="utf-8") for path in listed)
    (tmp_path / ".ready").write_text(text, encoding="utf-8")
    before = snapshot(tmp_path)
    assert make_environment(tmp_path).returncode == 0
    assert snapshot(tmp_path) == before
