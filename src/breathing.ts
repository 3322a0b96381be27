/**
 * A pause for long loops: each call lets timers and interrupts run when 50 ms have passed since the last pause (a
 * microtask would not), then throws the signal's reason when it was aborted.
 */
export function breathing(signal: AbortSignal | null): () => Promise<void> {
  let last = performance.now();
  return async () => {
    if (performance.now() - last > 50) {
      await new Promise((resume) => setTimeout(resume, 0));
      last = performance.now();
    }
    signal?.throwIfAborted();
  };
}
