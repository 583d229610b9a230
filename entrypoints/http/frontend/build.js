// Bundles the scripts with what they import into ../pages/assets/built, and writes manifest.json there: the name
// that templates use ("upload.js") to the file's name, which holds a hash of its content ("upload-3F2A.js").

import { mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";

import { build } from "esbuild";

const HERE = fileURLToPath(new URL(".", import.meta.url));
const FOLDER = fileURLToPath(new URL("../pages/assets/built/", import.meta.url));
// "start" goes before the script of each page.
const SCRIPTS = ["start", "upload", "order", "gallery"];

await rm(FOLDER, { recursive: true, force: true });
await mkdir(FOLDER, { recursive: true });
const { metafile } = await build({
  absWorkingDir: HERE,
  entryPoints: SCRIPTS.map((script) => `src/${script}.js`),
  entryNames: "[name]-[hash]",
  outdir: FOLDER,
  bundle: true,
  format: "esm",
  legalComments: "linked",
  banner: { js: "/*! The libraries in this file and their licences: licences.txt */" },
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
await writeFile(`${FOLDER}licences.txt`, await licences(Object.keys(metafile.inputs)));
// Written last, so that its presence means a complete build.
await writeFile(`${FOLDER}manifest.json`, `${JSON.stringify(manifest, null, 2)}\n`);

/** Name, version and licence of each library among the bundled files. */
async function licences(files) {
  const folders = files.map((file) => file.match(/^.*node_modules\/(@[^/]+\/)?[^/]+/)?.[0]).filter(Boolean);
  const texts = [...new Set(folders)].sort().map(async (folder) => {
    const { name, version, license, author } = JSON.parse(await readFile(`${HERE}${folder}/package.json`, "utf8"));
    if (!license) {
      throw new Error(`${name} names no licence: do not ship it before that is clear.`);
    }
    const file = (await readdir(HERE + folder)).find((each) => /^licen[cs]e/i.test(each));
    const text = file ? await readFile(`${HERE}${folder}/${file}`, "utf8") : `Copyright ${author?.name ?? author ?? name}`;
    return `${name} ${version} (${license})\n\n${text.trim()}\n`;
  });
  return (await Promise.all(texts)).join(`\n${"-".repeat(80)}\n\n`);
}
