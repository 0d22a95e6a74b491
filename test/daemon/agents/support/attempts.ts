// Starts attempts of an adapter and collects what they say.
import { randomUUID } from 'node:crypto';
import type { Adapter, AttemptEvent, AttemptSpec, Outcome, RunningAttempt } from '../../../../daemon/agents/agent.ts';
import { findTagged } from '../../../../daemon/platform/process.ts';
import { tempFolder } from '../../../support/repos.ts';

export interface Watched {
  spec: AttemptSpec;
  events: AttemptEvent[];
  running: RunningAttempt;
  ended: Promise<Outcome>;
  /** Resolves at the first event that the test waits for. */
  saw(wanted: (event: AttemptEvent) => boolean): Promise<void>;
  output(stream: 'stdout' | 'stderr'): string;
  /** Processes of the attempt, counted at the moment that `ended` was emitted. */
  leftovers(): Promise<number>;
}

export function specFor(over: Partial<AttemptSpec> = {}): AttemptSpec {
  return {
    attempt: randomUUID(),
    task: 't',
    run: 'run-1',
    stage: 's',
    agent: 'command',
    action: 'run',
    inputs: {},
    timeoutMs: 15_000,
    home: tempFolder('home'),
    ...over,
  };
}

export function watch(adapter: Adapter, over: Partial<AttemptSpec> = {}): Watched {
  const spec = specFor(over);
  const events: AttemptEvent[] = [];
  const waiting: { wanted: (event: AttemptEvent) => boolean; resolve: () => void }[] = [];
  let leftovers: Promise<number> = Promise.resolve(-1);
  let end: (outcome: Outcome) => void = () => {};
  const ended = new Promise<Outcome>((resolve) => {
    end = resolve;
  });
  const running = adapter.start(spec, (event) => {
    events.push(event);
    for (const { wanted, resolve } of waiting) if (wanted(event)) resolve();
    if (event.type !== 'ended') return;
    leftovers = findTagged(spec.attempt).then((pids) => pids.length);
    end(event.outcome);
  });
  return {
    spec,
    events,
    running,
    ended,
    saw: (wanted) => (events.some(wanted) ? Promise.resolve() : new Promise((resolve) => waiting.push({ wanted, resolve }))),
    output: (stream) => events.flatMap((event) => (event.type === 'output' && event.stream === stream ? [event.text] : [])).join(''),
    leftovers: () => leftovers,
  };
}

export const saysOutput =
  (text: string) =>
  (event: AttemptEvent): boolean =>
    event.type === 'output' && event.text.includes(text);
