/** Writes one JSON line for the daemon's own log; the record of what agents did is the journal, not this. */
export function writeLog(event: string, facts: Readonly<Record<string, unknown>> = {}): void {
  const line = JSON.stringify({ at: new Date().toISOString(), event, ...facts }, (_key, value: unknown) =>
    value instanceof Error ? { message: value.message, stack: value.stack } : value,
  );
  process.stderr.write(`${line.slice(0, 16_384)}\n`);
}
