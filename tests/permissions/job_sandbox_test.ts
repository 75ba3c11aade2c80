import assert from "node:assert/strict";
import { parseConfig } from "../../config.ts";
import { grantsFor } from "../../cli/grants.ts";
import { path, ROOT, runDeno, TMP, withFolder } from "./_deno.ts";

const PERMISSIONS: Deno.PermissionOptions = { read: [ROOT], write: [TMP], run: ["deno"] };

/** What nothing that works for the job may do; every one has to be refused by Deno itself. */
const BEYOND: Readonly<Record<string, string>> = {
  "read a file outside": `await Deno.readTextFile("/etc/hostname")`,
  "read what the output's neighbour holds": `await Deno.readTextFile(PARENT + "/secret.txt")`,
  "climb out of the output": `await Deno.readTextFile(OUT + "/../secret.txt")`,
  "write outside": `await Deno.writeTextFile(PARENT + "/written.txt", "x")`,
  "write to the inputs": `await Deno.writeTextFile(SHARDS + "/written.txt", "x")`,
  "write to the checkpoint": `await Deno.writeTextFile(CKPT, "x")`,
  "remove an input": `await Deno.remove(CKPT)`,
  "rename an input into the output": `await Deno.rename(CKPT, OUT + "/sae.pt")`,
  "make a link": `await Deno.symlink("/etc", OUT + "/etc")`,
  "make a temporary file": `await Deno.makeTempFile()`,
  "fetch": `await fetch("http://127.0.0.1:8080/")`,
  "connect": `await Deno.connect({ hostname: "127.0.0.1", port: 9 })`,
  "listen": `Deno.listen({ port: 0 })`,
  "look a name up": `await Deno.resolveDns("localhost", "A")`,
  "load code from elsewhere": `await import("https://esm.sh/" + "left-pad@1.3.0")`,
  "read the environment": `Deno.env.get("HOME")`,
  "list the environment": `Deno.env.toObject()`,
  "run a program": `await new Deno.Command("deno", { args: ["--version"] }).output()`,
  "load native code": `Deno.dlopen("libc.so.6", {})`,
  "ask for the host's name": `Deno.hostname()`,
  "ask for the user": `Deno.uid()`,
};

/** What the module in the job's place tries. */
const ATTEMPTS: Readonly<Record<string, string>> = {
  ...BEYOND,
  "read its parent": `for await (const _ of Deno.readDir(PARENT)) break`,
  "read the program": `await Deno.readTextFile(new URL("./main.ts", import.meta.url))`,
  "ask where a file outside is": `await Deno.stat("/etc/hostname")`,
  "write to the program": `await Deno.writeTextFile(new URL("./written.ts", import.meta.url), "x")`,
  "ask for the network's interfaces": `Deno.networkInterfaces()`,
  "ask for the system's version": `Deno.osRelease()`,
  "start a worker with more": `await inWorker({ read: true, net: true }, "await Deno.readTextFile('/etc/hostname')")`,
  "read outside from a worker of its own": `await inWorker("inherit", "await Deno.readTextFile('/etc/hostname')")`,
  "read the inputs from a worker without permissions":
    `await inWorker("none", "await Deno.readTextFile(" + JSON.stringify(CKPT) + ")")`,
  // Below: what the main thread starts for the job.
  "read the inputs from a worker that is lent": `await inLent("await Deno.readTextFile(" + JSON.stringify(CKPT) + ")")`,
  "write the output from one": `await inLent("await Deno.writeTextFile(" + JSON.stringify(OUT + "/y.txt") + ", 'x')")`,
  "load code from elsewhere in one": `await inLent("await import('https://esm.sh/' + 'left-pad@1.3.0')")`,
  "fetch from one": `await inLent("await fetch('http://127.0.0.1:8080/')")`,
  "start a worker with more from one":
    `await inLent("new Worker('data:text/javascript,', { type: 'module', deno: { permissions: { read: true } } })")`,
  "borrow a worker of another module": `await lent("file:///etc/hostname")`,
  "borrow one of the program's modules": `await lent(new URL("./main.ts", import.meta.url))`,
  "borrow a module beside the one that writes": `await lent(new URL("../io/_zip_writer.ts", import.meta.url))`,
  "borrow the one that writes under another address": `await lent(WRITER_MODULE + "?code")`,
};

/** What a module in the place of the one that writes large arrays tries, which may read and write the output and nothing else. */
const WRITER_ATTEMPTS: Readonly<Record<string, string>> = {
  ...BEYOND,
  "read the checkpoint": `await Deno.readFile(CKPT)`,
  "list the shards": `for await (const _ of Deno.readDir(SHARDS)) break`,
  "ask where the shards are": `await Deno.realPath(SHARDS)`,
  "read the pictures": `for await (const _ of Deno.readDir(IMAGES)) break`,
  "read the output's parent": `for await (const _ of Deno.readDir(PARENT)) break`,
  "read the program": `await Deno.readTextFile(HERE)`,
  "write beside the output": `await Deno.writeTextFile(OUT + "-2", "x")`,
  "write to the program": `await Deno.writeTextFile(HERE, "x")`,
  "rename the output away": `await Deno.rename(OUT + "/x.txt", PARENT + "/x.txt")`,
  "start a worker with more":
    `new Worker("data:text/javascript,", { type: "module", deno: { permissions: { read: true } } })`,
};

/** Runs in the job's worker: the same file name, started by the same code. */
const PROBE = (facts: Readonly<Record<string, string>>): string =>
  `import { borrowWorkers, WRITER_MODULE } from "./lend_workers.ts";
${Object.entries(facts).map(([name, value]) => `const ${name} = ${JSON.stringify(value)};`).join("\n")}
const inWorker = (permissions: unknown, code: string) => new Promise<void>((resolve, reject) => {
  const url = "data:text/javascript," + encodeURIComponent(
    "try {" + code + "; self.postMessage(['done', '']) } catch (e) { self.postMessage([e.name, e.message]) }");
  const worker = new Worker(url, { type: "module", deno: { permissions } } as WorkerOptions);
  worker.onerror = (event) => { event.preventDefault(); reject(Object.assign(new Error(event.message), { name: "NotCapable" })) };
  worker.onmessage = ({ data: [name, message] }) => {
    worker.terminate();
    if (name === "done") resolve(); else reject(Object.assign(new Error(message), { name }));
  };
});
const Own = Worker;
borrowWorkers(self);
const Borrowed = Worker;
self.Worker = Own;
const lent = (url: string | URL) => new Promise<void>((resolve, reject) => {
  const worker = new Borrowed(url, { type: "module", deno: { permissions: "inherit" } } as WorkerOptions);
  worker.onerror = ({ message }) => reject(new Error(message));
  worker.onmessage = ({ data: [name, message] }) => {
    worker.terminate();
    if (name === "done") resolve(); else reject(Object.assign(new Error(message), { name }));
  };
  setTimeout(() => reject(new Error("no answer")), 60_000);
});
const inLent = (code: string) => lent("data:text/javascript," + encodeURIComponent(
  "onmessage = async ({ ports: [port] }) => { try {" + code + "; port.postMessage(['done', '']) } " +
  "catch (e) { port.postMessage([e.name, e.message]) } }"));
const inWriter = (code: string) => new Promise<void>((resolve, reject) => {
  // Whatever the borrower asks for, the lender decides.
  const worker = new Borrowed(WRITER_MODULE, { type: "module", deno: { permissions: "inherit" } } as WorkerOptions);
  worker.onerror = ({ message }) => reject(new Error(message));
  worker.onmessage = ({ data: [name, message] }) => {
    worker.terminate();
    if (name === "done") resolve(); else reject(Object.assign(new Error(message), { name }));
  };
  worker.postMessage(code);
  setTimeout(() => reject(new Error("no answer")), 60_000);
});
const results: Record<string, string> = {};
const attempt = async (what: string, body: () => unknown) => {
  try { await body(); results[what] = "it worked"; }
  catch (error) { results[what] = (error as Error).name + ": " + (error as Error).message; }
};
self.onmessage = async () => {
${
    Object.entries(ATTEMPTS).map(([what, code]) => `  await attempt(${JSON.stringify(what)}, async () => { ${code} });`)
      .join("\n")
  }
${
    Object.entries(WRITER_ATTEMPTS).map(([what, code]) =>
      `  await attempt(${JSON.stringify(`as the writer: ${what}`)}, () => inWriter(${JSON.stringify(code)}));`
    ).join("\n")
  }
  await attempt("CONTROL as the writer: write, read back, rename and remove in the output", () => inWriter(
    "await Deno.mkdir(OUT + '/.incoming'); await Deno.writeTextFile(OUT + '/.incoming/a', 'x'); " +
    "await Deno.rename(OUT + '/.incoming/a', OUT + '/.incoming/b'); await Deno.realPath(OUT); " +
    "if (await Deno.readTextFile(OUT + '/.incoming/b') !== 'x') throw new Error('another text'); " +
    "await Deno.remove(OUT + '/.incoming', { recursive: true }); await Deno.writeTextFile(OUT + '/z.txt', 'z')"));
  await attempt("CONTROL compute in a worker that is lent", () => inLent("await Promise.resolve(1 + 1)"));
  await attempt("CONTROL read the checkpoint", () => Deno.readFile(CKPT));
  await attempt("CONTROL list the shards", async () => { for await (const _ of Deno.readDir(SHARDS)) break; });
  await attempt("CONTROL write the output", () => Deno.writeTextFile(OUT + "/x.txt", "x"));
  self.postMessage(results);
};
`;

/** Runs in the place of the module that writes, and does what it is told. */
const WRITER_PROBE = (facts: Readonly<Record<string, string>>): string =>
  `let scope = self;
const facts = ${JSON.stringify(facts)};
const AsyncFunction = (async () => {}).constructor;
const listen = async ({ data, ports }) => {
  if (ports.length > 0) {
    scope = ports[0];
    scope.onmessage = listen;
    return;
  }
  try {
    await new AsyncFunction(...Object.keys(facts), data)(...Object.values(facts));
    scope.postMessage(["done", ""]);
  } catch (error) { scope.postMessage([error.name, error.message]); }
};
self.onmessage = listen;
`;

for (const limitWrite of [true, false]) {
  Deno.test({
    name:
      `from inside the job's worker, and from the writer it borrows: reading and writing outside, net, env, run, ffi, sys and ` +
      `more workers are refused, where the program may write ${limitWrite ? "anywhere" : "to the output"}`,
    permissions: PERMISSIONS,
    fn: (): Promise<void> =>
      withFolder(async (folder) => {
        const [program, out] = [new URL("program/cli/", folder), new URL("out/", folder)];
        await Deno.mkdir(program, { recursive: true });
        await Deno.mkdir(out);
        await Deno.writeTextFile(new URL("secret.txt", folder), "secret");
        const golden = new URL("fixtures/golden/patch/", ROOT);
        const config = parseConfig({
          ckpt: path(new URL("sae.pt", golden)),
          data: { shardRoot: path(new URL("shards", golden)) },
          images: { kind: "image-folder", root: path(new URL("fixtures/demo/emoji/images", ROOT)) },
          dumpTo: path(out).slice(0, -1),
        });
        const grants = grantsFor(config, { moduleUrl: new URL("../cli.ts", program).href, command: "visuals" });
        // The code that starts the job's worker, with another module in the job's place.
        for (const name of ["open_job_worker.ts", "lend_workers.ts"]) {
          await Deno.copyFile(new URL(`cli/${name}`, ROOT), new URL(name, program));
        }
        await Deno.mkdir(new URL("../io/", program));
        const writer = new URL("../io/write_worker.ts", program);
        const facts = {
          CKPT: config.ckpt,
          IMAGES: path(new URL("fixtures/demo/emoji/images", ROOT)),
          HERE: path(writer),
          SHARDS: config.data.shardRoot,
          OUT: config.dumpTo,
          PARENT: path(folder).slice(0, -1),
        };
        await Deno.writeTextFile(new URL("job_worker.ts", program), PROBE(facts));
        await Deno.writeTextFile(writer, WRITER_PROBE(facts));
        await Deno.writeTextFile(
          new URL("main.ts", program),
          `import { openJobWorker } from "./open_job_worker.ts";
const { wire, died } = openJobWorker(${JSON.stringify(grants)}, { limitWrite: ${limitWrite} });
const results = await Promise.race([died, new Promise((resolve) => {
  wire.onmessage = ({ data }) => data.borrow === undefined && resolve(data);
  wire.postMessage("go");
})]);
console.log(JSON.stringify(results));
Deno.exit(0);
`,
        );
        const args = ["run", "--no-prompt", "--no-check", "--no-config", "--allow-read"];
        const write = limitWrite ? "--allow-write" : `--allow-write=${facts.OUT}`;
        const { code, stdout, stderr } = await runDeno([
          ...args,
          write,
          "--unstable-worker-options",
          path(new URL("main.ts", program)),
        ]);
        assert.equal(code, 0, stderr);
        const results = JSON.parse(stdout) as Record<string, string>;
        const attempts = [
          ...Object.keys(ATTEMPTS),
          ...Object.keys(WRITER_ATTEMPTS).map((what) => `as the writer: ${what}`),
        ];
        for (const what of attempts) {
          assert.match(
            results[what] ?? "not tried",
            /NotCapable|Requires [\w-]+ access|escalate|is not lent/,
            `${what}: ${results[what]}`,
          );
        }
        for (const [what, result] of Object.entries(results)) {
          if (what.startsWith("CONTROL")) assert.equal(result, "it worked", what);
        }
        assert.equal(Object.keys(results).length, attempts.length + 5);
        assert.deepEqual([...Deno.readDirSync(folder)].map(({ name }) => name).sort(), [
          "out",
          "program",
          "secret.txt",
        ]);
        assert.deepEqual([...Deno.readDirSync(out)].map(({ name }) => name).sort(), ["x.txt", "z.txt"]);
      }),
  });
}
