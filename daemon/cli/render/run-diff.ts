// Where two runs differ: what came of them, their stages, artifacts and decisions. Pure.
import type { RunDetail } from '../../../shared/protocol/views.ts';
import type { Stage } from '../../../shared/state/run.ts';

/** One thing that is not the same in both; `-` stands for what one of them has not. */
export interface RunDifference {
  about: 'run' | 'stage' | 'decision' | 'artifact';
  name: string;
  a: string;
  b: string;
}

const ABSENT = '-';

/** What differs between two runs, and how long each stage took in both, in milliseconds. */
export interface RunDiff {
  differences: RunDifference[];
  durations: { name: string; a?: number; b?: number }[];
}

/** Compares two runs; times are compared by nobody, but shown. */
export function diffRuns(a: RunDetail, b: RunDetail): RunDiff {
  const differences = [
    ...compare('run', describeRun(a), describeRun(b)),
    ...compare('stage', describeStages(a), describeStages(b)),
    ...compare('decision', describeDecisions(a), describeDecisions(b)),
    ...compare('artifact', describeArtifacts(a), describeArtifacts(b)),
  ];
  const took = (detail: RunDetail): Map<string, number> =>
    new Map(
      [
        ['the whole run', length(detail.run.submittedAt, detail.run.endedAt)] as const,
        ...detail.stages.filter(({ status }) => status !== 'skipped').map((s) => [s.id, length(s.startedAt, s.endedAt)] as const),
      ].flatMap(([name, ms]) => (ms === undefined ? [] : [[name, ms] as const])),
    );
  const [first, second] = [took(a), took(b)];
  const durations = [...new Set([...first.keys(), ...second.keys()])].map((name) => {
    const [one, other] = [first.get(name), second.get(name)];
    return { name, ...(one === undefined ? {} : { a: one }), ...(other === undefined ? {} : { b: other }) };
  });
  return { differences, durations };
}

function length(from: string, to: string | undefined): number | undefined {
  return to === undefined ? undefined : Date.parse(to) - Date.parse(from);
}

function compare(about: RunDifference['about'], a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): RunDifference[] {
  const names = [...new Set([...a.keys(), ...b.keys()])];
  return names.map((name) => ({ about, name, a: a.get(name) ?? ABSENT, b: b.get(name) ?? ABSENT })).filter((one) => one.a !== one.b);
}

function describeRun({ run, definition }: RunDetail): Map<string, string> {
  const inputs = Object.entries(run.inputs).map(([name, value]) => [`input ${name}`, JSON.stringify(value)] as const);
  const workflow = `${definition.workflow} ${run.workflow.digest.slice(0, 12)}`;
  return new Map([
    ['workflow', workflow],
    ['base', run.base?.slice(0, 12) ?? ABSENT],
    ...inputs,
    ['outcome', run.status],
    ['summary', run.summary || ABSENT],
    ['merge', run.merge ? `${run.merge.state} ${run.merge.into}` : ABSENT],
  ]);
}

function describeStages({ stages }: RunDetail): Map<string, string> {
  return new Map(stages.map((stage) => [stage.id, describeStage(stage)]));
}

function describeStage({ status, reason, round, turn = 1 }: Stage): string {
  const times = round > 1 || turn > 1 ? `, round ${round} of turn ${turn}` : '';
  return `${status}${times}${reason === '' ? '' : `: ${reason}`}`;
}

/** What was decided about the actions of each stage, and what people said, by stage and key. */
function describeDecisions({ stages, approvals }: RunDetail): Map<string, string> {
  const decided = stages.flatMap((stage) => stage.proposed.map(({ key, effect }) => [`${stage.id} ${key}`, effect] as const));
  const asked = approvals.map(({ stage = '', key, status }) => [`${stage} ${key}, asked`, status] as const);
  return new Map([...decided, ...asked]);
}

function describeArtifacts({ artifacts }: RunDetail): Map<string, string> {
  return new Map(artifacts.filter(({ stale }) => !stale).map(({ name, digest }) => [name, digest.slice(0, 12)]));
}
