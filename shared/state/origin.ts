// What a run takes over from another one that it goes on from.
import type { Run, RunArtifact, Stage } from './run.ts';

/** The run that another one goes on from, as it was before one of its events. */
export interface RunOrigin {
  run: string;
  event: string;
  /** Rules that count for this run beside those in force, the stricter of both; `artifact` is their text. */
  policy?: { file: string; artifact: string };
}

/** How a stage of another run had ended, for one that goes on from there. */
export type InheritedStage = Pick<Stage, 'reason' | 'code' | 'skipped' | 'values' | 'commit' | 'chosen' | 'turn' | 'again'> & {
  status: 'completed' | 'failed' | 'skipped' | 'canceled';
};

/** What a run takes over from another one: how its stages had ended, what they had made, and how often it had gone back. */
export interface Inheritance extends Pick<Run, 'turns' | 'returns' | 'earlier'> {
  origin: RunOrigin;
  stages: readonly (InheritedStage & { id: string })[];
  artifacts: readonly (RunArtifact & { name: string })[];
}
