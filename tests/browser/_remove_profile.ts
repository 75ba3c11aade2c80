/** Removes a browser's folder; its children go on writing for a moment after it has ended. */
export async function removeProfile(folder: URL): Promise<void> {
  for (let left = 20;; left--) {
    try {
      return await Deno.remove(folder, { recursive: true });
    } catch (error) {
      // Directory not empty: somebody wrote while it was emptied.
      if (left === 0 || (error as { code?: string }).code !== "ENOTEMPTY") throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}
