import type { Adapter } from '../agents/agent.ts';

/** An adapter whose code is loaded when the first attempt starts, and not with the daemon. */
export function loadedOnDemand(load: () => Promise<Adapter>): Adapter {
  return {
    start(spec, emit) {
      const running = load().then((adapter) => adapter.start(spec, emit));
      return {
        cancel: async (reason) => (await running).cancel(reason),
        tell: (title, reason) => void running.then((attempt) => attempt.tell?.(title, reason)).catch(() => undefined),
      };
    },
  };
}
