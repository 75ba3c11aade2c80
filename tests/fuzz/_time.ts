/**
 * How long something took, on a machine that may be busy with other things.
 * @module
 */
import process from "node:process";

/**
 * Starts to measure. The returned function gives the milliseconds since: those of the clock, or those that this process had of a
 * processor if they are fewer. What computes for a second takes a second by this on a loaded machine too.
 */
export function startTimer(): () => number {
  const [clock, { user, system }] = [performance.now(), process.cpuUsage()];
  return () => {
    const used = process.cpuUsage();
    return Math.min(performance.now() - clock, (used.user - user + used.system - system) / 1000);
  };
}
