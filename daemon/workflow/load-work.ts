// What one stage says, taken together: somebody works, and every key means something for them.
import { type Problem, problemAt } from '../../shared/yaml/source.ts';
import { listDeliberationProblems } from './load-deliberate.ts';
import type { PlacedStage } from './load-sketch.ts';
import { ApproverShape, readApprover, readCriterion } from './load-parts.ts';
import type { StageShape } from './load-shape.ts';
import { type Around, listBranches, listCriteria } from './load-stage.ts';

/** Characters of the id of a stage to whose id the number of an item is added. */
const MAX_LIST_ID = 58;

type Report = (key: string, code: string, message: string, hint?: string) => Problem;

/** A stage has exactly one worker, and only keys that mean something for it. */
export function listWorkProblems({ source, path, shape }: PlacedStage, around: Around): Problem[] {
  if (!shape) return [];
  const at: Report = (key, code, message, hint) =>
    problemAt(source, key === '' ? path : [...path, key], { code, message, on: 'key', hint });
  return [
    ...listWorkerProblems(shape, around, at),
    ...listMergeProblems(shape, at),
    ...listMatrixKeys(shape, at),
    ...listCommandProblems(shape, around, at),
    ...listGateProblems(shape, around, { source, path }),
    ...listApproverProblems(shape, around, at),
    ...listDeliberationProblems(shape).map(({ path: rest, code, message }) =>
      problemAt(source, [...path, ...rest], { code, message, ...(rest.length === 1 ? { on: 'key' } : {}) }),
    ),
  ];
}

function listWorkerProblems(shape: StageShape, { bindings, nested }: Around, at: Report): Problem[] {
  const branches = listBranches(shape);
  const problems = [shape.agent, ...branches.map(({ branch }) => branch.agent)].flatMap((agent) => {
    if (typeof agent !== 'string' || !agent.startsWith('auto_') || bindings?.agents[agent]) return [];
    const key = shape.agent === agent ? 'agent' : 'parallel_agents';
    return [at(key, 'unbound-agent', `\`${agent}\` is no agent; the bindings have to say who it is.`)];
  });
  for (const given of shape.cleanup ?? []) {
    const { name, agent, command } = typeof given === 'string' ? { name: given } : given;
    if (agent !== undefined && command !== undefined)
      problems.push(at('cleanup', 'cleanup', `\`${name}\` is done by an \`agent\` or a \`command\`, not by both.`));
    if (agent === undefined && command === undefined && !bindings?.actions[name])
      problems.push(at('cleanup', 'unbound-action', `\`${name}\` is no action that is known; write its \`command\`, or bind it.`));
  }
  const works = [shape.agent, shape.merge, shape.workflow, shape.deliberate].some((one) => one !== undefined);
  if (works || branches.length > 0) return problems;
  if (shape.action !== undefined && bindings?.actions[shape.action]) return problems;
  const message = `Stage \`${shape.id}\` does nothing; give it an \`agent\`, a \`workflow\`, a \`merge\`, or those who \`deliberate\`.`;
  if (nested && shape.action !== undefined)
    problems.push(at('action', 'unbound-action', `Nobody does \`${shape.action}\`: the stage has no \`agent\`, and no bindings name one.`));
  else problems.push(at('', 'no-work', message));
  return problems;
}

function listMatrixKeys(shape: StageShape, at: Report): Problem[] {
  if (!shape.matrix) return [];
  const given = ['merge', 'deliberate', 'parallel', 'parallel_agents', 'sync_point'] as const;
  const problems = given
    .filter((key) => shape[key] !== undefined)
    .map((key) => at(key, 'not-for-matrix', `A stage that is done for each item of a list has no \`${key}\`; use a stage of its own.`));
  if (shape.id.length > MAX_LIST_ID)
    problems.push(
      at('matrix', 'long-id', `The ids of its items are made of \`${shape.id}\`, which has more than ${MAX_LIST_ID} characters.`),
    );
  return problems;
}

function listMergeProblems(shape: StageShape, at: Report): Problem[] {
  if (shape.merge === undefined) return [];
  const given = ['agent', 'action', 'worktree', 'outputs', 'gate', 'parallel', 'parallel_agents', 'prompt', 'approvers'] as const;
  return given
    .filter((key) => (key === 'outputs' ? shape.outputs.length > 0 : shape[key] !== undefined))
    .map((key) =>
      at(key, 'not-for-merge', `A merge is done by the daemon, so \`${key}\` has no meaning beside it; use a stage of its own.`),
    );
}

function listCommandProblems(shape: StageShape, { bindings }: Around, at: Report): Problem[] {
  const problems: Problem[] = [];
  if (shape.agent === 'command' && shape.command === undefined)
    problems.push(at('agent', 'no-command', 'Agent `command` runs what `command` says; add it, for instance `command: [npm, test]`.'));
  const bound = typeof shape.agent === 'string' ? bindings?.agents[shape.agent] : undefined;
  const isCommand = shape.agent === 'command' || (bound && 'command' in bound && bound.command !== undefined);
  for (const key of ['command', 'stdin', 'env'] as const)
    if (shape[key] !== undefined && !isCommand) problems.push(at(key, 'only-for-command', `\`${key}\` is only for \`agent: command\`.`));
  if (shape.otherwise !== undefined && typeof shape.when !== 'string')
    problems.push(
      at(
        'otherwise',
        'no-when',
        '`otherwise` is shown when the one value of `when` skips the stage; with a list, write it beside each value.',
      ),
    );
  return problems;
}

function listGateProblems(shape: StageShape, { checks }: Around, { source, path }: Pick<PlacedStage, 'source' | 'path'>): Problem[] {
  return listCriteria(shape).flatMap((one) => {
    if (readCriterion(one, checks)) return [];
    const key =
      (['gate', 'quality_gate', 'criteria'] as const).find(
        (name) => Array.isArray(shape[name]) && (shape[name] as unknown[]).includes(one),
      ) ?? 'gate';
    const position = (shape[key] as unknown[]).indexOf(one);
    const message = `\`${typeof one === 'string' ? one : 'This'}\` is no criterion: write \`coverage >= 80%\`, or one word for something that must be true.`;
    return [problemAt(source, [...path, key, position], { code: 'criterion', message })];
  });
}

/** Nobody signs off their own work, and before it starts only a person is asked. */
function listApproverProblems(shape: StageShape, { bindings }: Around, at: Report): Problem[] {
  const members = (shape.deliberate?.agents ?? []).map((member) => (typeof member === 'string' ? member : member.agent));
  const own = [shape.agent, ...members, ...listBranches(shape).map(({ branch }) => branch.agent)].filter(
    (agent) => typeof agent === 'string',
  );
  const bound = (name: string): string => JSON.stringify(bindings?.agents[name] ?? { agent: name });
  const problems = (shape.approvers ?? []).flatMap((one) => {
    const { agent } = readApprover(ApproverShape.parse(one));
    const same = agent !== undefined && own.some((mine) => mine === agent || (agent !== 'command' && bound(mine) === bound(agent)));
    return same ? [at('approvers', 'own-approver', `\`${agent}\` does this stage, and nobody signs off their own work.`)] : [];
  });
  const others = (shape.requires_approval ?? []).filter((name) => !/^(human|person|user)$/i.test(name));
  return [
    ...problems,
    ...others.map((name) =>
      at(
        'requires_approval',
        'not-a-person',
        `Before a stage starts a person is asked, and \`${name}\` is none; agents sign off by \`approvers\`.`,
      ),
    ),
  ];
}
