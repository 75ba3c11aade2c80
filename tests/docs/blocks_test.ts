import { deepStrictEqual, throws } from "node:assert/strict";
import { codeBlocks } from "./_blocks.ts";

Deno.test({
  name: "codeBlocks() gives language, file, line and the reason not to run",
  permissions: "none",
  fn(): void {
    const page = [
      "# A page",
      "<!-- not run: takes a cluster -->",
      "",
      "```sh",
      "sbatch job.sh",
      "```",
      "- in a list",
      "  ```toml run.toml",
      "  topK = 8",
      "  ```",
      "```",
      "plain",
      "```",
    ].join("\n");
    deepStrictEqual(codeBlocks(page), [
      { language: "sh", file: "", text: "sbatch job.sh\n", line: 4, notRun: "takes a cluster" },
      { language: "toml", file: "run.toml", text: "topK = 8\n", line: 8, notRun: undefined },
      { language: "", file: "", text: "plain\n", line: 11, notRun: undefined },
    ]);
    throws(() => codeBlocks("```sh\nls"), { name: "SyntaxError" });
  },
});
