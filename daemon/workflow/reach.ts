/** Which stage waits for which, directly or through others; quick also for thousands of stages, because the answers are bits. */
export class Reach {
  readonly #row = new Map<string, number>();
  readonly #bits: Uint32Array[];

  constructor(needs: ReadonlyMap<string, readonly string[]>) {
    for (const id of needs.keys()) this.#row.set(id, this.#row.size);
    const words = Math.ceil(this.#row.size / 32);
    const edges = [...needs.values()].map((ids) => ids.flatMap((id) => this.#row.get(id) ?? []));
    this.#bits = edges.map(() => new Uint32Array(words));
    this.#fill(edges);
  }

  /** Whether `from` waits for `to`; of itself a stage waits only in a cycle. */
  has(from: string, to: string): boolean {
    const bits = this.#bits[this.#row.get(from) ?? -1];
    const column = this.#row.get(to);
    return bits !== undefined && column !== undefined && ((bits[column >>> 5] ?? 0) & (1 << (column & 31))) !== 0;
  }

  /** Goes over the stages until nothing is added; in the order of dependence once is enough, and only cycles take more. */
  #fill(edges: readonly (readonly number[])[]): void {
    const order = sortByDependence(edges);
    for (let changed = true; changed; ) {
      changed = false;
      for (const row of order) for (const need of edges[row] ?? []) changed = this.#add(row, need) || changed;
    }
  }

  #add(row: number, need: number): boolean {
    const mine = this.#bits[row];
    const theirs = this.#bits[need];
    if (!mine || !theirs) return false;
    let changed = false;
    const mark = (word: number, bits: number): void => {
      const before = mine[word] ?? 0;
      const after = (before | bits) >>> 0;
      if (after === before) return;
      mine[word] = after;
      changed = true;
    };
    mark(need >>> 5, 1 << (need & 31));
    for (let word = 0; word < mine.length; word += 1) mark(word, theirs[word] ?? 0);
    return changed;
  }
}

/** Rows so that each comes after what it needs, as far as there is no cycle. */
function sortByDependence(edges: readonly (readonly number[])[]): number[] {
  const order: number[] = [];
  const seen = new Uint8Array(edges.length);
  for (let start = 0; start < edges.length; start += 1) {
    const open = [start];
    while (open.length > 0) {
      const row = open.at(-1) ?? 0;
      if (seen[row] === 0) {
        seen[row] = 1;
        for (const need of edges[row] ?? []) if (seen[need] === 0) open.push(need);
      } else {
        open.pop();
        if (seen[row] === 1) {
          seen[row] = 2;
          order.push(row);
        }
      }
    }
  }
  return order;
}
