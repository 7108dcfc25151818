// SPDX-License-Identifier: GPL-3.0-or-later
// A job type of Flamenco 3: heads of a folder of photos, in parts, then one report of them all.
// Put it into the folder "scripts" beside the Flamenco Manager.

const JOB_TYPE = {
  label: "Effigy heads",
  settings: [
    { key: "photos", type: "string", subtype: "dir_path", required: true,
      description: "Folder of photos, with the folders within it" },
    { key: "out", type: "string", subtype: "dir_path", required: true,
      description: "Where the heads and the reports go" },
    { key: "parts", type: "int32", default: 10, required: true,
      description: "How many parts the photos are done in" },
    { key: "effigy", type: "string", default: "effigy", required: true,
      description: "The command on the workers, such as effigy of Effigy's wheel" },
  ],
};

function compileJob(job) {
  const settings = job.settings;
  const report = author.Task("report", "misc");
  report.addCommand(author.Command("exec", {
    exe: settings.effigy,
    args: ["report", "merge", settings.out, "--accept-failures"],
  }));
  for (let part = 1; part <= settings.parts; part++) {
    const task = author.Task("part-" + part, "misc");
    task.addCommand(author.Command("exec", {
      exe: settings.effigy,
      args: [settings.photos, "--recursive", "--out", settings.out,
        "--shard", part + "/" + settings.parts, "--skip-existing", "--accept-failures"],
    }));
    report.addDependency(task);
    job.addTask(task);
  }
  job.addTask(report);
}
