/**
 * The job that is killed: `_job.ts DIRECTORY` computes and draws the demo in many small steps, going on where it was killed.
 * @module
 */
import { main } from "../../visuals.ts";
import { smallDemo } from "../visuals/_jobs.ts";

const say = (line: string): number => Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));

say("started");
const steps = { device: "reference" as const, topkBatchSize: 64, checkpointEvery: 0.02, topK: 8, nLatents: 12 };
await main(smallDemo(Deno.args[0], { ...steps, resume: true }), { log: say });
say("finished");
