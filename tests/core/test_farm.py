"""The templates for render farms run commands that there are."""

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from ml.cli import make_parser

FARM = Path(__file__).resolve().parents[2] / "examples/farm"
VALUES = {
    "Param.Photos": "photos",
    "Param.Out": "out",
    "Param.Parts": "4",
    "Param.Effigy": "effigy",
    "Task.Param.Part": "2",
}
# A farm takes exit status 1 for a broken task.
MERGING = ["report", "merge", "out", "--accept-failures"]


def filled(text):
    for name, value in VALUES.items():
        text = text.replace("{{" + name + "}}", value)
    assert "{{" not in text
    return text


def test_the_open_job_description_runs_a_part_and_merges_the_reports():
    job = yaml.safe_load((FARM / "openjd.yaml").read_text("utf-8"))
    part, report = (step["script"]["actions"]["onRun"] for step in job["steps"])
    parsed = make_parser().parse_args([filled(word) for word in part["args"]])
    assert (parsed.shard, parsed.accept_failures, parsed.recursive) == ("2/4", True, True)
    assert [filled(word) for word in report["args"]] == MERGING
    assert job["steps"][1]["dependencies"] == [{"dependsOn": job["steps"][0]["name"]}]
    names = {each["name"] for each in job["parameterDefinitions"]}
    assert {name.split(".")[-1] for name in VALUES if name.startswith("Param.")} == names


_AUTHOR = """
const author = {
  Task: (name) => ({name, commands: [], after: [],
    addCommand(one) { this.commands.push(one); },
    addDependency(one) { this.after.push(one.name); }}),
  Command: (name, parameters) => ({name, parameters}),
};
const job = {settings: {photos: "photos", out: "out", parts: 2, effigy: "effigy"}, tasks: [],
  addTask(one) { this.tasks.push(one); }};
"""


@pytest.mark.skipif(shutil.which("node") is None, reason="needs node")
def test_the_flamenco_job_makes_parts_and_a_report_after_them():
    script = _AUTHOR + (FARM / "effigy.js").read_text("utf-8")
    script += "\ncompileJob(job); console.log(JSON.stringify(job.tasks));"
    done = subprocess.run(
        ["node", "-e", script], capture_output=True, text=True, check=True, timeout=60
    )
    *parts, report = yaml.safe_load(done.stdout)
    for number, task in enumerate(parts, 1):
        (command,) = task["commands"]
        assert command["name"] == "exec"
        parsed = make_parser().parse_args(command["parameters"]["args"])
        assert parsed.shard == f"{number}/2"
    assert len(parts) == 2
    assert report["after"] == [task["name"] for task in parts]
    assert report["commands"][0]["parameters"]["args"] == MERGING
