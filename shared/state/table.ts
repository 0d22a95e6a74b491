/** From each status, the statuses that may follow. A status that leads nowhere is final. */
export type StateTable<Status extends string> = Readonly<Record<Status, readonly Status[]>>;

/** True when `table` allows the step. */
export function mayMove<Status extends string>(table: StateTable<Status>, from: Status, to: Status): boolean {
  return table[from].includes(to);
}

/** True when nothing can follow `status`. */
export function isFinal<Status extends string>(table: StateTable<Status>, status: Status): boolean {
  return table[status].length === 0;
}
