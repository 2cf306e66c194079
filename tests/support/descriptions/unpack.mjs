// Downloads packages with npm and extracts the needed files of each; complete and with their dependencies, the packages
// have 900 MB.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, rmSync } from "node:fs";

// `pinned` has the hash of each package by name and version; `wanted` returns the files and directories of a package.
export function unpack(pinned, wanted, into) {
  const packages = Object.keys(pinned);
  const options = ["--silent", "--ignore-scripts", "--prefer-offline"];
  execFileSync("npm", ["pack", ...options, ...packages], { stdio: ["ignore", "ignore", "inherit"] });
  for (const versioned of packages) {
    const name = versioned.slice(0, versioned.lastIndexOf("@"));
    const archive = `${versioned.replace(/^@/, "").replace(/[/@]/g, "-")}.tgz`;
    const hash = createHash("sha512").update(readFileSync(archive)).digest("base64");
    if (pinned[versioned] !== `sha512-${hash}`) {
      throw new Error(`${versioned} has the hash sha512-${hash}`);
    }
    const folder = `${into}/${name}`;
    mkdirSync(folder, { recursive: true });
    const files = wanted(name).map((file) => `package/${file}`);
    execFileSync("tar", ["-xzf", archive, "-C", folder, "--strip-components=1", ...files]);
    rmSync(archive);
  }
}
