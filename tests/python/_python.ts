/**
 * Debian's Python with torch, and why it is not there.
 * @module
 */

/** The interpreter that tests run. */
export const PYTHON = "/usr/bin/python3";

/** Runs Python; `error` is what it said when it cannot be started or fails. */
export async function python(args: readonly string[]): Promise<{ stdout: string; error: string | undefined }> {
  try {
    const { code, stdout, stderr } = await new Deno.Command(PYTHON, { args: [...args] }).output();
    const text = new TextDecoder();
    return { stdout: text.decode(stdout), error: code === 0 ? undefined : text.decode(stderr) };
  } catch (error) {
    return { stdout: "", error: String(error) };
  }
}

/** Whether tests are left out because torch does not load; says why. In continuous integration they run and fail. */
export const ignore: boolean = await (async (): Promise<boolean> => {
  const { error } = await python(["-c", "import torch"]);
  if (error === undefined || Deno.env.get("CI") === "true") return false;
  // deno-lint-ignore no-console -- a skipped test has to say why
  console.log(`skipped: torch does not load in ${PYTHON} (Debian: python3-torch): ${error.trim().split("\n").at(-1)}`);
  return true;
})();
