import assert from "node:assert/strict";
import { killJobs } from "./kill.ts";

Deno.test("a job killed at 20 random moments and resumed each time leaves the same bytes, and never a torn file", async () => {
  const { kills, jobs, found, faults } = await killJobs(20, 1, () => {});
  assert.deepEqual(faults, []);
  assert.ok(kills >= 20 && jobs >= 1);
  // It would prove nothing if the moments had missed what is to survive.
  assert.ok(found.states > 0 && found.pictures > 0, JSON.stringify(found));
});
