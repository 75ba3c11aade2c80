import { strictEqual } from "node:assert/strict";
import { settingsPage } from "../../cli/settings_page.ts";
import { listSettings } from "../../config.ts";
import { run } from "./_fake.ts";

const HELP = new URL("./help.txt", import.meta.url);
const SETTINGS = new URL("../../docs/settings.md", import.meta.url);

Deno.test({
  name: "`--help` prints what help.txt holds (`deno run cli.ts help > tests/cli/help.txt` renews it)",
  permissions: { read: [HELP] },
  async fn(): Promise<void> {
    const golden = await Deno.readTextFile(HELP);
    for (
      const words of [["--help"], ["-h"], ["help"], ["help", "visuals"], ["visuals", "--help"], [
        "dump",
        "--seed",
        "1",
        "-h",
      ]]
    ) {
      const { code, out, err } = await run(words);
      strictEqual(out, golden, words.join(" "));
      strictEqual(code, 0);
      strictEqual(err, "");
    }
  },
});

Deno.test({
  name: "`--help` fits 100 columns and names every flag",
  permissions: "none",
  async fn(): Promise<void> {
    const { out } = await run(["--help"]);
    for (const line of out.split("\n")) strictEqual(line.length <= 100 && !line.endsWith(" "), true, line);
    for (const { flag, isSwitch, default: value } of listSettings()) {
      const shown = isSwitch && value === true ? flag.replace("--", "--[no-]") : flag;
      strictEqual(out.includes(`\n  ${shown}`), true, flag);
    }
  },
});

Deno.test({
  name: "`help FLAG` says what one flag takes, however it is spelled",
  permissions: "none",
  async fn(): Promise<void> {
    for (const name of ["--top-k", "top_k", "topK"]) {
      strictEqual(
        (await run(["help", name])).out,
        "  --top-k N                       Entries kept per latent [entries, default 128]\n" +
          "                                  Takes an integer of at least 1\n",
      );
    }
  },
});

Deno.test({
  name: "docs/settings.md is what the schema says (`deno task docs:settings` renews it)",
  permissions: { read: [SETTINGS] },
  async fn(): Promise<void> {
    strictEqual(await Deno.readTextFile(SETTINGS), settingsPage());
    strictEqual((await run(["help", "--markdown"])).out, settingsPage());
  },
});

Deno.test({
  name: "`--version` prints the version",
  permissions: "none",
  async fn(): Promise<void> {
    strictEqual((await run(["--version"])).out, "saev-visuals 1.2.3\n");
    strictEqual((await run(["-V"])).out, "saev-visuals 1.2.3\n");
  },
});
