/** A set of listeners without arguments. */
export interface Listeners {
  /** Adds one; call the result to take it away. */
  add(listener: () => void): () => void;
  call: () => void;
}

export function createListeners(): Listeners {
  const all = new Set<() => void>();
  return {
    add(listener) {
      all.add(listener);
      return () => void all.delete(listener);
    },
    call: () => {
      for (const listener of [...all]) listener();
    },
  };
}
