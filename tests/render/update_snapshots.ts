/**
 * Writes the plots' snapshots anew. Look at the difference before you commit it.
 *
 * Run: `deno run --allow-write=tests/render/snapshots tests/render/update_snapshots.ts`
 * @module
 */
import { SNAPSHOT_CASES, SNAPSHOTS } from "./_snapshot_cases.ts";

if (import.meta.main) {
  await Deno.mkdir(SNAPSHOTS, { recursive: true });
  for (const [name, make] of Object.entries(SNAPSHOT_CASES)) await Deno.writeTextFile(new URL(name, SNAPSHOTS), make());
}
