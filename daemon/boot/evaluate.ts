/** Decides actions for a client: the Decisions API. */
import { SignalboxError } from '../../shared/protocol/errors.ts';
import type { ResultOf, ValidParamsOf } from '../../shared/protocol/methods.ts';
import type { Action, Decision } from '../../shared/state/action.ts';
import { contextOf } from '../../shared/state/decision-context.ts';
import type { State } from '../../shared/state/evolve.ts';
import type { Origin } from '../commands.ts';
import type { Coordinator } from '../coordinator/coordinator.ts';
import type { Rulebook } from '../coordinator/rulebook.ts';
import { completeAction, resolveLexically } from '../policy/action-input.ts';
import type { ArtifactStore } from '../store/artifacts.ts';

/** Decisions that one commit takes, so that it stays well below 64 KiB. */
const CHUNK = 12;

export interface EvaluateParts {
  state: State;
  rulebook: Pick<Rulebook, 'judge'>;
  artifacts: Pick<ArtifactStore, 'putText'>;
  submit: Coordinator['submit'];
}

interface Evaluation {
  id: string;
  action: Action;
}

/** Decides the actions of a request; with `record` they are recorded first, and what was recorded is the answer. Throws SignalboxError `invalid_params`. */
export async function evaluateActions(
  parts: EvaluateParts,
  { actions, repo = '', record }: ValidParamsOf<'policy/evaluate'>,
  origin: Origin,
): Promise<ResultOf<'policy/evaluate'>> {
  const wanted = actions.map(({ id, action }, index) => ({ id, action: readAction(action, repo, index) }));
  const repeated = wanted.find(({ id }, index) => wanted.findIndex((each) => each.id === id) !== index);
  if (repeated) throw new SignalboxError({ code: 'invalid_params', message: `Two actions have the id ${repeated.id}; give each its own.` });
  if (record) return { decisions: await recordAll(parts, wanted, origin), recorded: true };
  const now = Date.now();
  const decide = ({ id, action }: Evaluation) => ({ id, decision: parts.rulebook.judge(action, contextOf(parts.state, action, now)) });
  return { decisions: wanted.map(decide), recorded: false };
}

function readAction(input: Record<string, unknown>, repo: string, index: number): Action {
  const completed = completeAction({ ...(repo === '' ? {} : { repo }), ...input }, resolveLexically(repo === '' ? '/' : repo));
  if (!completed.ok) {
    const issues = completed.error.issues.map(({ path, message }) => ({ path: ['actions', index, 'action', ...path].join('.'), message }));
    const [first] = issues;
    throw new SignalboxError({ code: 'invalid_params', message: `${first?.path}: ${first?.message}`, facts: { issues } });
  }
  if (repo !== '' && completed.action.repo !== repo)
    throw new SignalboxError({
      code: 'invalid_params',
      message: `actions.${index}.action.repo: it is another than \`repo\` of the request.`,
    });
  return completed.action;
}

async function recordAll({ artifacts, submit }: EvaluateParts, wanted: readonly Evaluation[], origin: Origin) {
  const decisions: { id: string; decision: Decision }[] = [];
  for (let i = 0; i < wanted.length; i += CHUNK) {
    const stored = wanted.slice(i, i + CHUNK).map(async ({ id, action }) => {
      const { digest } = await artifacts.putText(JSON.stringify(action));
      return { key: id, action, artifact: digest };
    });
    const result = await submit({ type: 'policy/evaluate', proposals: await Promise.all(stored) }, origin);
    if (!result.ok) throw new SignalboxError(result.refusal);
    for (const event of result.commit?.events ?? [])
      if (event.type === 'policy.decided') decisions.push({ id: event.data.key, decision: event.data.decision });
  }
  return decisions;
}
