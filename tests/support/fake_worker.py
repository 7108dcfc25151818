"""A worker that speaks the engine's protocol and does what the photo's name says.

``fake_worker.py TEMPLATE``: photos named ok* get a copy of the reconstruction in TEMPLATE,
several* two, noface* an error, crash* kill the process, garbage* break the protocol, slow* never
end. Whatever is there is skipped where that is asked for. A person is to be built from the last
photo. TEMPLATE "dead" dies before it is ready; "mute" is never ready.
"""

import hashlib
import json
import os
import shutil
import sys
import time
from pathlib import Path


def say(number, kind, **data):
    print(json.dumps({"id": number, "type": kind, "data": data}), flush=True)


def copy_head(template, directory, photo):
    shutil.copytree(template, directory, dirs_exist_ok=True)
    target = directory / "reconstruction.json"
    about = json.loads(target.read_text())
    about["photo"]["name"] = photo.name
    if photo.is_file():
        about["photo"]["sha256"] = hashlib.sha256(photo.read_bytes()).hexdigest()
    target.write_text(json.dumps(about))
    return str(directory)


def reconstruct(number, data, template):
    photo, out = Path(data["photo"]), Path(data["out"])
    name = photo.name.lower()
    say(number, "progress", fraction=0.5, message="Fitting")
    if data.get("settings", {}).get("skip_existing") and (out / "reconstruction.json").exists():
        say(
            number, "result", rows=[{"photo": str(photo), "status": "skipped", "heads": [str(out)]}]
        )
    elif name.startswith("noface"):
        say(number, "error", code="no_face", message=f"No face in {name}", hint="Try another")
    elif name.startswith("crash"):
        print("out of memory", file=sys.stderr, flush=True)
        os._exit(3)
    elif name.startswith("garbage"):
        print("Traceback: this is no message", flush=True)
    elif name.startswith("slow"):
        while True:
            time.sleep(0.05)
            say(number, "progress", fraction=0.6, message="Still fitting")
    elif name.startswith("silent"):
        time.sleep(600)
    else:
        second = [out.with_name(f"{out.name}_face2")] if name.startswith("several") else []
        heads = [copy_head(template, place, photo) for place in [out, *second]]
        (out / "request.json").write_text(json.dumps(data))
        row = {"photo": str(photo), "status": "ok", "heads": heads, "confidence": 0.9}
        say(number, "result", rows=[row])


def person(number, data, template):
    """Every photo but noface*: a copy that says it is the photo's, its camera a step further.

    Photos man* are said to show somebody else.
    """
    out, photos = Path(data["out"]), [Path(photo) for photo in data["photos"]]
    say(number, "progress", fraction=0.5, message="Fitting")
    rows, used = [], []
    for photo in photos:
        if photo.name.startswith("noface"):
            rows.append({"photo": str(photo), "status": "failed", "heads": [], "error": "No face"})
            continue
        copy_head(template, out / photo.stem, photo)
        target = out / photo.stem / "reconstruction.json"
        about = json.loads(target.read_text())
        about["camera"]["translation"][2] += len(used)
        about["expression"]["jawOpen"] = 0.25 * len(used)
        target.write_text(json.dumps(about))
        used.append(photo.stem)
        warning = f"{photo.name} shows somebody else" if photo.name.startswith("man") else ""
        head = str(out / photo.stem)
        rows.append({"photo": str(photo), "status": "ok", "heads": [head], "warning": warning})
    if not used:
        say(number, "error", code="no_face", message="None of the photos can be used", hint="Try")
        return
    index = {"status": "ok", "main": used[-1], "photos": used, "left_out": []}
    warnings = [(row["photo"], row["warning"]) for row in rows if row.get("warning")]
    index["doubts"] = [{"photo": photo, "message": text} for photo, text in warnings]
    (out / "person.json").write_text(json.dumps(index))
    (out / "request.json").write_text(json.dumps(data))
    say(number, "result", person=str(out), rows=rows)


def animate(number, data, template):
    """A copy of the template, which has the animation."""
    out = Path(data["out"])
    say(number, "progress", fraction=0.5, message="Smoothing the curves")
    shutil.copytree(template, out, dirs_exist_ok=True)
    (out / "request.json").write_text(json.dumps(data))
    say(number, "result", folder=str(out), frames=30, speed=20.0, bridged=0, lost=0)


def main():
    template = sys.argv[1]
    if template == "dead":
        print("ModuleNotFoundError: No module named 'torch'", file=sys.stderr, flush=True)
        sys.exit(1)
    if template == "mute":
        time.sleep(600)
    say(None, "ready", python="3.11", torch="2.13", effigy_version="0.1.0", pid=os.getpid())
    for line in sys.stdin:
        message = json.loads(line)
        number, kind = message["id"], message["type"]
        if kind == "reconstruct":
            reconstruct(number, message["data"], Path(template))
        elif kind == "person":
            person(number, message["data"], Path(template))
        elif kind == "animate":
            animate(number, message["data"], Path(template))
        elif kind == "check":
            say(number, "result", torch="2.13", environment=dict(os.environ), folder=os.getcwd())
        elif kind == "warm_up":
            say(number, "result")
        elif kind == "shutdown":
            break


main()
