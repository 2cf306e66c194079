// Fetches packages with npm, and takes out of each the files that are wanted: whole and with what they depend on, the
// packages are 900 MB.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, rmSync } from "node:fs";

// `pinned` has the hash of each package by name and version, `wanted` the files and directories by name.
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
    const place = `${into}/${name}`;
    mkdirSync(place, { recursive: true });
    const files = wanted(name).map((file) => `package/${file}`);
    execFileSync("tar", ["-xzf", archive, "-C", place, "--strip-components=1", ...files]);
    rmSync(archive);
  }
}
