// Work that belongs to a stage and is not the stage's own: checks of what it made, and the word of agents on it.
import type { Approver } from '../../shared/state/flow.ts';
import type { Stage } from '../../shared/state/run.ts';
import type { Task } from '../../shared/state/task.ts';
import type { StageDefinition } from '../../shared/state/workflow.ts';
import type { Command, CommandOf } from '../commands.ts';
import { chooseAgent } from './agents.ts';
import { afterFailure, type Failure } from './failure.ts';
import { type CheckCommand, listMergeChecks } from './merge-checks.ts';
import { fill, resolveArgv, seenBy, type Place } from './submit.ts';

/** The commands among a stage's criteria; of a merge, those that its result has to pass. */
export function listCheckCommands(def: StageDefinition, stage: Pick<Stage, 'task' | 'child' | 'facts'>): CheckCommand[] {
  if (def.merge) return listMergeChecks(stage);
  return (def.criteria ?? []).flatMap((criterion, index) =>
    criterion.kind === 'command'
      ? [{ text: criterion.text, argv: criterion.argv, key: `check:${index}`, task: `${stage.task ?? stage.child ?? ''}.check-${index}` }]
      : [],
  );
}

/** Starts the commands that check a stage's work, each once. */
export function startChecks(place: Place, def: StageDefinition, stage: Stage): Command[] {
  const { state, run } = place;
  return listCheckCommands(def, stage)
    .filter(({ task }) => !state.tasks.has(task))
    .map(
      ({ task, argv }): Command => ({
        type: 'task/submit',
        task,
        run: run.id,
        stage: def.id,
        wants: 'command',
        action: 'check',
        priority: 0,
        timeoutMs: def.timeoutMs ?? 0,
        maxAttempts: 1,
        payload: { argv: resolveArgv(state, seenBy(run, def), argv) ?? argv },
        artifacts: {},
        part: 'check',
      }),
    );
}

const signOffTask = (stage: Stage, index: number): string => `${stage.task ?? stage.child ?? ''}.sign-${index}`;
const isPerson = ({ agent, select }: Approver): boolean => agent === undefined && select === undefined;

/** What those said who had to look at the work: steps that ask them, `open` while they look, what is against it, or nothing. */
export function readWord(place: Place, def: StageDefinition, stage: Stage): Command[] | 'open' | undefined {
  const word = readPeople(place, stage) ?? readAgents(place, def, stage);
  if (word === undefined || word === 'open' || Array.isArray(word)) return word;
  return afterFailure(place, def, stage, word);
}

function readPeople({ state }: Place, stage: Stage): 'open' | Failure | undefined {
  for (const { key, approval: id, effect, reason } of stage.proposed.filter((p) => p.key.startsWith('sign-off:'))) {
    const approval = id === undefined ? undefined : state.approvals.get(id);
    if (approval?.status === 'pending') return 'open';
    const granted = approval ? approval.status === 'granted' || approval.status === 'used' : effect !== 'deny';
    const who = key.slice('sign-off:'.length);
    const why = approval?.reason || reason || 'no reason was given';
    if (!granted) return { code: 'not_signed_off', message: `${who} did not sign it off: ${why}` };
  }
  return undefined;
}

function readAgents(place: Place, def: StageDefinition, stage: Stage): Command[] | 'open' | Failure | undefined {
  const { state } = place;
  const asks: Command[] = [];
  let open = false;
  for (const [index, approver] of (def.approvers ?? []).entries()) {
    if (isPerson(approver)) continue;
    const task = state.tasks.get(signOffTask(stage, index));
    if (!task) {
      const ask = askAgent(place, def, stage, { approver, index });
      if ('code' in ask) return ask;
      asks.push(ask);
    } else if (task.endedAt === undefined) open = true;
    else {
      const refused = readSignOff(approver, task);
      if (refused) return refused;
    }
  }
  return asks.length > 0 ? asks : open ? 'open' : undefined;
}

/** Nobody signs off their own work, whoever was chosen for it. */
function askAgent(
  place: Place,
  def: StageDefinition,
  stage: Stage,
  { approver, index }: { approver: Approver; index: number },
): CommandOf<'task/submit'> | Failure {
  const { state, run } = place;
  const wants = chooseAgent(state, approver);
  const workers = [state.tasks.get(stage.task ?? '')?.wants, ...(stage.deliberation?.asked ?? []).map(({ agent }) => agent)];
  if (wants === undefined) return { code: 'agent_unknown', message: `${approver.name}, who has to sign it off, is not registered.` };
  if (workers.includes(wants) && approver.command === undefined)
    return { code: 'own_approver', message: `${wants} did the work, and nobody signs off their own.` };
  const made = state.artifacts.get(run.id);
  const artifacts = def.outputs.flatMap((name) => {
    const artifact = made?.get(name);
    return artifact ? [[name, artifact.digest] as const] : [];
  });
  const argv = approver.command?.map((part) => fill(state, seenBy(run, def), part));
  return {
    type: 'task/submit',
    task: signOffTask(stage, index),
    run: run.id,
    stage: def.id,
    wants,
    action: 'sign_off',
    priority: 0,
    timeoutMs: 0,
    maxAttempts: 1,
    payload: { ...(argv ? { argv } : {}), approver: approver.name, values: { ...stage.values } },
    artifacts: Object.fromEntries(artifacts),
    part: 'sign_off',
  };
}

/** Only a plain yes is one: `approved: true`. */
function readSignOff({ name }: Approver, task: Task): Failure | undefined {
  if (task.status === 'completed' && task.values['approved'] === true) return undefined;
  const { reason, reasons } = task.values as { reason?: unknown; reasons?: unknown };
  const said = [reason, reasons].flat().filter((one) => typeof one === 'string');
  const why = said.length > 0 ? said.join('; ') : (task.message ?? 'no reason was given');
  return { code: 'not_signed_off', message: `${name} did not sign it off: ${why}`.slice(0, 4_000) };
}

/** The people who have to sign a stage's work off, by name. */
export function listPeople(def: StageDefinition): string[] {
  return (def.approvers ?? []).filter(isPerson).map(({ name }) => name);
}
