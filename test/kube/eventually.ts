/** Waits for a condition by asking again and again; fails with what it waited for. */
export async function eventually(condition: () => boolean, what: string, deadlineMs = 10_000): Promise<void> {
  const endMs = performance.now() + deadlineMs;
  while (!condition()) {
    if (performance.now() > endMs) throw new Error(`it did not come about: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
