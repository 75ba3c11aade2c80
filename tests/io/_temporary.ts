/** Runs a test in a new directory under tests/tmp, the only place tests may write to, and removes it. */
export async function inTemporary(fn: (directory: string) => Promise<void>): Promise<void> {
  await Deno.mkdir("tests/tmp", { recursive: true });
  const directory = await Deno.makeTempDir({ dir: "tests/tmp", prefix: "io-" });
  try {
    await fn(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}
