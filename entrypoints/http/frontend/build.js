// Bundles the scripts with what they import into ../pages/assets/built, and writes manifest.json there: the name
// that templates use ("upload.js") to the file's name, which holds a hash of its content ("upload-3F2A.js").

import { mkdir, rm, writeFile } from "node:fs/promises";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";

import { build } from "esbuild";

const FOLDER = fileURLToPath(new URL("../pages/assets/built/", import.meta.url));
// "start" goes before the script of each page.
const SCRIPTS = ["start", "upload", "order", "gallery"];

await rm(FOLDER, { recursive: true, force: true });
await mkdir(FOLDER, { recursive: true });
const { metafile } = await build({
  absWorkingDir: fileURLToPath(new URL(".", import.meta.url)),
  entryPoints: SCRIPTS.map((script) => `src/${script}.js`),
  entryNames: "[name]-[hash]",
  outdir: FOLDER,
  bundle: true,
  format: "esm",
  legalComments: "linked",
  metafile: true,
  minify: true,
  target: "es2020",
  logLevel: "warning",
});
const manifest = {};
for (const [file, { entryPoint }] of Object.entries(metafile.outputs)) {
  if (entryPoint) {
    manifest[basename(entryPoint)] = basename(file);
  }
}
// Written last, so that its presence means a complete build.
await writeFile(`${FOLDER}manifest.json`, `${JSON.stringify(manifest, null, 2)}\n`);
