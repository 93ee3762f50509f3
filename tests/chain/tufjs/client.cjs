// tuf-js as a client: client.cjs METADATA_DIR REPOSITORY_URL TARGET…
// Prints {"versions": …, "targets": {TARGET: SHA-256 or null}}, or {"refused": why}, as JSON.
const crypto = require("node:crypto");
const fs = require("node:fs");
const path = require("node:path");
const { Updater } = require("tuf-js");

async function main(folder, url, targets) {
  const downloads = fs.mkdtempSync(path.join(folder, "targets-"));
  const updater = new Updater({
    metadataDir: folder,
    metadataBaseUrl: url + "metadata",
    targetDir: downloads,
    targetBaseUrl: url + "targets",
    config: { fetchRetries: 0 },
  });
  await updater.refresh();
  const out = { versions: {}, targets: {} };
  for (const target of targets) {
    const info = await updater.getTargetInfo(target);
    if (info === undefined) {
      out.targets[target] = null;
      continue;
    }
    const file = await updater.downloadTarget(info, path.join(downloads, "file"));
    out.targets[target] = crypto.createHash("sha256").update(fs.readFileSync(file)).digest("hex");
  }
  for (const role of ["root", "timestamp", "snapshot", "targets"]) {
    out.versions[role] = JSON.parse(fs.readFileSync(path.join(folder, role + ".json"))).signed.version;
  }
  return out;
}

// Its connections stay open for later use; there is none.
const tell = (said) => fs.writeSync(1, JSON.stringify(said) + "\n") && process.exit();
const [folder, url, ...targets] = process.argv.slice(2);
main(folder, url, targets).then(tell, (error) => tell({ refused: `${error.name}: ${error.message}` }));
