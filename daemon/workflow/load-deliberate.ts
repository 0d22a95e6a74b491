// A deliberation as it is written, what it becomes, and what does not fit together in it.
import type { Deliberation, Member } from '../../shared/state/flow.ts';
import type { StageDefinition } from '../../shared/state/workflow.ts';
import type { MemberShape } from './load-parts.ts';
import type { StageShape } from './load-shape.ts';

type Who = Pick<StageDefinition, 'agent' | 'select' | 'command'>;
type DeliberateShape = NonNullable<StageShape['deliberate']>;

/** What the stage makes: what the members agree on, and the transcript; undefined when nobody deliberates. */
export function listDeliberationOutputs({
  id,
  outputs,
  deliberate,
}: Pick<StageShape, 'id' | 'outputs' | 'deliberate'>): string[] | undefined {
  return deliberate && [outputs[0] ?? `${id}.md`, `${id}.transcript.json`];
}

/** The deliberation with its defaults: each member has a vote that is needed, unless the quorum says less. */
export function readDeliberation(shape: DeliberateShape, bound: (name: string) => Who | undefined): Deliberation {
  const members = shape.agents.map((member, index): Member => ({ name: nameOf(member, index), ...readMember(member, bound) }));
  const { rounds, required_consensus: required, quorum = members.length, round_timeout: roundMs } = shape;
  return { members, rounds, required, quorum, roundMs };
}

function nameOf(member: MemberShape, index: number): string {
  if (typeof member === 'string') return member.slice(0, 50);
  const given = member.name ?? member.agent ?? member.role?.replaceAll(/[^A-Za-z0-9._-]+/g, '-');
  return (given ?? `member-${index + 1}`).slice(0, 50);
}

function readMember(member: MemberShape, bound: (name: string) => Who | undefined): Omit<Member, 'name'> {
  const given = typeof member === 'string' ? { agent: member } : member;
  if (given.command) return { agent: 'command', command: given.command };
  if (given.agent !== undefined) {
    const { agent, select, command } = bound(given.agent) ?? { agent: given.agent };
    return {
      ...(agent === undefined ? {} : { agent }),
      ...(select === undefined ? {} : { select }),
      ...(Array.isArray(command) ? { command } : {}),
    };
  }
  const { role, capabilities, tags } = given;
  return { select: { ...(role ? { role } : {}), ...(capabilities ? { capabilities } : {}), ...(tags ? { tags } : {}) } };
}

/** Keys that mean nothing where several agents deliberate. */
const OTHERS = ['agent', 'action', 'command', 'stdin', 'env', 'merge', 'parallel', 'parallel_agents', 'sync_point', 'matrix'] as const;

interface Found {
  path: (string | number)[];
  code: string;
  message: string;
}

/** What is wrong with a stage in which agents deliberate, and at which key. */
export function listDeliberationProblems(shape: StageShape): Found[] {
  const { deliberate } = shape;
  if (!deliberate) return [];
  const found = OTHERS.filter((key) => shape[key] !== undefined).map((key): Found => {
    const message = `Those who deliberate do the work of the stage, so \`${key}\` has no meaning beside it.`;
    return { path: [key], code: 'not-for-deliberation', message };
  });
  const path = ['deliberate'];
  if (shape.prompt === undefined)
    found.push({ path, code: 'no-topic', message: 'What they deliberate on is the `prompt` of the stage; add it.' });
  if ((deliberate.quorum ?? 0) > deliberate.agents.length) {
    const message = `${deliberate.agents.length} members cannot cast ${deliberate.quorum ?? 0} votes.`;
    found.push({ path: [...path, 'quorum'], code: 'quorum', message });
  }
  if (shape.outputs.length > 1 || shape.outputs.some((name) => !name.includes('.') || /(\/|\[\])$/.test(name))) {
    const message = 'What they agree on is one file, such as `review.md`; the transcript is made beside it.';
    found.push({ path: ['outputs'], code: 'deliberation-output', message });
  }
  return [...found, ...listMemberProblems(deliberate)];
}

function listMemberProblems({ agents }: DeliberateShape): Found[] {
  const names = agents.map(nameOf);
  return agents.flatMap((member, index): Found[] => {
    const path = ['deliberate', 'agents', index];
    const name = names[index] ?? '';
    const twice = `Two members are called \`${name}\`; give this one a \`name\`.`;
    const ways = 'A member is either an `agent`, one that fits (`role`, `capabilities`, `tags`), or a `command`.';
    return [
      ...(names.indexOf(name) === index ? [] : [{ path, code: 'duplicate-member', message: twice }]),
      ...(typeof member === 'string' || countWays(member) === 1 ? [] : [{ path, code: 'member', message: ways }]),
    ];
  });
}

function countWays({ agent, command, role, capabilities, tags }: Exclude<MemberShape, string>): number {
  return [agent, command, role ?? capabilities ?? tags].filter((way) => way !== undefined).length;
}
