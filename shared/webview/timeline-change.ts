/**
 * What changed between two timelines, and the messages that tell it.
 *
 * 1. applying `diffTimeline(a, b)` to a gives b, but for the order of spans and marks, which means nothing.
 * 2. A feed counts revisions, so that the other side notices when it missed one and asks for everything.
 */
import type { State } from '../state/evolve.ts';
import type { WorkflowDefinition } from '../state/workflow.ts';
import { buildTimeline } from './timeline-model.ts';
import type { TimelineChange, TimelineModel, ToTimeline } from './timeline.ts';

/** True when two plain values hold the same. */
function isSame(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  const keys = Object.keys(a);
  if (keys.length !== Object.keys(b).length) return false;
  return keys.every((key) => isSame(a[key as keyof typeof a], b[key as keyof typeof b]));
}

/** Most entries are the very objects of before, so they are told apart by identity first and by content only where that fails. */
function changedIn<Entry extends { id: string }>(before: readonly Entry[], after: readonly Entry[], gone: string[]): Entry[] {
  const rest = new Set(before);
  const others = after.filter((entry) => !rest.delete(entry));
  const known = new Map([...rest].map((entry) => [entry.id, entry]));
  const changed = others.filter((entry) => {
    const old = known.get(entry.id);
    known.delete(entry.id);
    return old === undefined || !isSame(old, entry);
  });
  gone.push(...known.keys());
  return changed;
}

/** The change that makes `after` of `before`; undefined when only the clock went on. */
export function diffTimeline(before: TimelineModel, after: TimelineModel): TimelineChange | undefined {
  const gone: string[] = [];
  const rows = changedIn(before.rows, after.rows, []);
  const spans = changedIn(before.spans, after.spans, gone);
  const marks = changedIn(before.marks, after.marks, gone);
  const moved = before.rows.length !== after.rows.length || after.rows.some((row, index) => row.id !== before.rows[index]?.id);
  const run = isSame(before.run, after.run) ? {} : { run: after.run };
  if (rows.length + spans.length + marks.length + gone.length === 0 && !moved && !('run' in run)) return undefined;
  return { ...run, now: after.now, ...(moved ? { order: after.rows.map((row) => row.id) } : {}), rows, spans, marks, gone };
}

/** What the timeline is made from, and how the run is called if not by its workflow's name; undefined while the run is not known. */
export type TimelineInput = { state: State; definition: WorkflowDefinition; title?: string } | undefined;

function buildTitled(input: TimelineInput, run: string, now: number): TimelineModel | undefined {
  const model = input && buildTimeline(input.state, input.definition, run, now);
  return model && input?.title !== undefined ? { ...model, run: { ...model.run, title: input.title } } : model;
}

/** Turns what the state says into the messages for one webview. */
export class TimelineFeed {
  readonly #run: string;
  readonly #text: Readonly<Record<string, string>>;
  #revision = 0;
  #told: TimelineModel | undefined;

  constructor(run: string, text: Readonly<Record<string, string>>) {
    this.#run = run;
    this.#text = text;
  }

  /** What the webview was told last. */
  get told(): TimelineModel | undefined {
    return this.#told;
  }

  /** Everything, for a webview that knows nothing or missed something. `now` in ms since the epoch. */
  tellAll(input: TimelineInput, now: number): ToTimeline {
    this.#told = buildTitled(input, this.#run, now);
    this.#revision += 1;
    const text = { ...this.#text };
    return this.#told ? { type: 'model', revision: this.#revision, model: this.#told, text } : { type: 'loading', run: this.#run, text };
  }

  /** What is new since the last message; undefined when nothing is. */
  tellChange(input: TimelineInput, now: number): ToTimeline | undefined {
    const before = this.#told;
    if (!before) return input?.state.runs.has(this.#run) ? this.tellAll(input, now) : undefined;
    const after = buildTitled(input, this.#run, now);
    const change = after && diffTimeline(before, after);
    if (!change) return undefined;
    this.#told = after;
    this.#revision += 1;
    return { type: 'change', revision: this.#revision, change };
  }
}
