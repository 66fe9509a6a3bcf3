/**
 * The wish that the program ends (SIGTERM, SIGINT). The kernel takes no default action for process 1 of a PID namespace (signal(7),
 * pid_namespaces(7)), which the agent is in a container: a signal that nobody listens to yet is lost, and the stop of a container
 * that has only just been started would take the whole of its grace period. So process 1 listens from the moment that this module
 * is evaluated, before all others (main.ts); any other process still ends by default until it asks.
 */

const stop = new AbortController();
let isListening = false;

function listen(): void {
  if (isListening) return;
  isListening = true;
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort());
}

if (process.pid === 1) listen();

/** Aborted when the program shall end. */
export function stopSignal(): AbortSignal {
  listen();
  return stop.signal;
}
