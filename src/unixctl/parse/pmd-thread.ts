/** The line with which each block of the PMD commands begins (dpif-netdev.c, format_pmd_thread). */

export interface PmdThread {
  /** Core that the thread is pinned to; `main` for the main thread, which polls the ports that no PMD can. */
  readonly core: number | 'main';
  readonly numaNode: number | undefined;
}

/** `pmd thread numa_id 0 core_id 1:`, `main thread:`; undefined for any other line. */
export function parsePmdThread(line: string): PmdThread | undefined {
  if (/^\s*main thread:$/.test(line)) return { core: 'main', numaNode: undefined };
  const match = /^\s*pmd thread (?:numa_id (-?\d+) )?core_id (\d+):$/.exec(line);
  if (match === null) return undefined;
  return { core: Number(match[2]), numaNode: match[1] === undefined ? undefined : Number(match[1]) };
}
