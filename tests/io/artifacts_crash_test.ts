import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { addArtifacts, recoverArtifacts } from "../../io/artifacts.ts";
import { writeArtifacts } from "../../io/write_artifacts.ts";
import { readArtifacts } from "../../io/read_artifacts.ts";
import { readManifest } from "../../io/read_manifest.ts";
import { facts, patch, setOf } from "./_artifact_set.ts";
import { inTemporary } from "./_temporary.ts";

const permissions = { read: ["tests/tmp"], write: ["tests/tmp"] };

/** What lies in a directory, by name, in hexadecimal. */
async function filesIn(place: string): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const { name, isFile } of Deno.readDirSync(place)) {
    if (isFile) found.set(name, (await Deno.readFile(`${place}/${name}`)).toHex());
  }
  return new Map([...found].sort());
}

Deno.test({
  name: "recoverArtifacts() ends what was killed between any two renames, and drops what was killed before",
  permissions,
  fn: () =>
    inTemporary(async (directory) => {
      await writeArtifacts(`${directory}/old`, setOf(patch, 95), facts);
      await writeArtifacts(`${directory}/new`, setOf(patch, 99), facts);
      const [old, expected] = [await filesIn(`${directory}/old`), await filesIn(`${directory}/new`)];
      const { rename, remove } = Deno;
      // Every file is renamed twice: under its name beside, and into place.
      const renames = 2 * expected.size;
      for (let killed = 0; killed < renames; killed++) {
        const place = `${directory}/${killed}`;
        await writeArtifacts(place, setOf(patch, 95), facts);
        let done = 0;
        const died = new Error("killed");
        // Who was killed tidies nothing up.
        Deno.remove = (path, options) => done > killed ? Promise.reject(died) : remove(path, options);
        Deno.rename = async (from, to): Promise<void> => {
          if (done++ >= killed) throw died;
          await rename(from, to);
        };
        try {
          await rejects(writeArtifacts(place, setOf(patch, 99), facts), (error) => error === died);
        } finally {
          Object.assign(Deno, { rename, remove });
        }
        const isComplete = killed >= expected.size;
        strictEqual(await recoverArtifacts(place), isComplete, String(killed));
        ok(![...Deno.readDirSync(place)].some(({ isDirectory }) => isDirectory));
        deepStrictEqual(await filesIn(place), isComplete ? expected : old, String(killed));
      }
    }),
});

/** Adds files with a text, `latents.parquet` among them replacing one. */
function add(directory: string, names: readonly string[], text: string): Promise<unknown> {
  return readManifest(directory).then((manifest) =>
    addArtifacts(directory, manifest!, async (staging) => {
      for (const name of names) await Deno.writeTextFile(`${staging}/${name}`, text);
      return names;
    })
  );
}

Deno.test({
  name: "addArtifacts() keeps the manifest in place while it adds, so that a reader always finds whole artifacts",
  permissions,
  fn: () =>
    inTemporary(async (directory) => {
      await writeArtifacts(directory, setOf(patch), facts);
      const { rename, remove } = Deno;
      const found: string[] = [];
      const look = async (): Promise<void> => {
        const artifacts = await readArtifacts(directory);
        found.push(["study.json", "labels.parquet"].filter((name) => name in artifacts.manifest!.files).join());
        artifacts.close();
      };
      Deno.rename = async (from, to): Promise<void> => {
        await look();
        await rename(from, to);
        await look();
      };
      Deno.remove = async (path, options): Promise<void> => {
        await remove(path, options);
        await look();
      };
      try {
        await add(directory, ["study.json", "labels.parquet"], "1");
      } finally {
        Object.assign(Deno, { rename, remove });
      }
      ok(found.length >= 8, String(found.length));
      deepStrictEqual([...new Set(found)], ["", "study.json,labels.parquet"]);
    }),
});

for (
  const [what, names] of [
    ["adds files", ["study.json", "labels.parquet"]],
    ["replaces files", ["latents.parquet", "latents.jsonl"]],
    ["does both", ["study.json", "latents.parquet", "latents.jsonl"]],
  ] as const
) {
  Deno.test({
    name:
      `addArtifacts() that ${what}, killed anywhere: what a manifest lists is all old or all new, and it is ended or undone`,
    permissions,
    fn: () =>
      inTemporary(async (directory) => {
        const before = async (place: string): Promise<void> => {
          await writeArtifacts(place, setOf(patch), facts);
          await add(place, ["latents.jsonl"], "old");
        };
        await before(`${directory}/old`);
        await before(`${directory}/new`);
        // Of the same size as what it replaces: sizes tell nothing.
        await add(`${directory}/new`, names, "new");
        const [old, expected] = [await filesIn(`${directory}/old`), await filesIn(`${directory}/new`)];
        const { rename, remove } = Deno;
        const died = new Error("killed");
        let [isOver, undone, ended] = [false, 0, 0];
        for (let killed = 0; !isOver; killed++) {
          const place = `${directory}/${killed}`;
          await before(place);
          let done = 0;
          const step =
            <T extends unknown[]>(act: (...args: T) => Promise<void>) => async (...args: T): Promise<void> => {
              if (done++ >= killed) throw died;
              await act(...args);
            };
          Object.assign(Deno, { rename: step(rename), remove: step(remove) });
          try {
            isOver = await add(place, names, "new").then(() => true, (error) => {
              strictEqual(error, died);
              return false;
            });
          } finally {
            Object.assign(Deno, { rename, remove });
          }
          const manifest = await readManifest(place);
          if (manifest !== undefined) {
            const listed = [...Object.keys(manifest.files), "manifest.json"].sort();
            const lies = await filesIn(place);
            const is = listed.map((name) => lies.get(name));
            const whole = [old, expected].some((set) => listed.every((name, i) => set.get(name) === is[i]));
            ok(whole, `killed after ${killed}`);
          }
          const isComplete = await recoverArtifacts(place);
          if (!isOver) isComplete ? ended++ : undone++;
          const ends = await filesIn(place);
          ok(![...Deno.readDirSync(place)].some(({ isDirectory }) => isDirectory));
          const isNew = isComplete || ends.get("manifest.json") === expected.get("manifest.json");
          deepStrictEqual(ends, isNew ? expected : old, `killed after ${killed}`);
        }
        ok(undone > 0 && ended > names.length, `${undone} undone, ${ended} ended`);
      }),
  });
}

Deno.test({
  name: "writeArtifacts() tidies up only when no file is on its way to the disk, whatever failed first",
  permissions,
  fn: () =>
    inTemporary(async (directory) => {
      const { sync } = Deno.FsFile.prototype;
      const { rename, remove } = Deno;
      const fault = (message: string): Error => Object.assign(new Error(message), { code: message });
      for (const [what, failFrom] of [["sync", 0], ["sync", 4], ["rename", 2], ["content", 0], ["both", 3]] as const) {
        const place = `${directory}/${what}${failFrom}`;
        await writeArtifacts(place, setOf(patch, 95), facts);
        const before = await filesIn(place);
        let [syncs, renames, underWay, removedEarly] = [0, 0, 0, 0];
        Deno.FsFile.prototype.sync = async function (): Promise<void> {
          const isFailing = syncs++ >= failFrom && (what === "sync" || what === "both");
          underWay++;
          try {
            // A disk takes its time: meanwhile the next file is made.
            await new Promise((resolve) => setTimeout(resolve, 20));
            if (isFailing) throw fault("EIO");
            await sync.call(this);
          } finally {
            underWay--;
          }
        };
        Deno.rename = async (from, to): Promise<void> => {
          if (what === "rename" && renames++ >= failFrom) throw fault("ENOSPC");
          await rename(from, to);
        };
        Deno.remove = async (path, options): Promise<void> => {
          if (options?.recursive === true && underWay > 0) removedEarly++;
          await remove(path, options);
        };
        const set = setOf(patch, 99);
        const sketch = (): never => {
          throw new RangeError("no sketch");
        };
        const isContent = what === "content" || what === "both";
        try {
          await rejects(
            writeArtifacts(place, isContent ? { ...set, sketch } : set, facts),
            isContent ? /no sketch/ : what === "sync" ? /EIO/ : /ENOSPC/,
          );
        } finally {
          Deno.FsFile.prototype.sync = sync;
          Object.assign(Deno, { rename, remove });
        }
        deepStrictEqual([underWay, removedEarly], [0, 0], what);
        deepStrictEqual([...Deno.readDirSync(place)].filter(({ isDirectory }) => isDirectory), [], what);
        deepStrictEqual(await filesIn(place), before, `${what}: what was there stays`);
      }
    }),
});
