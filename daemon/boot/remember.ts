/**
 * A yes that is made into a rule: worked out from the recorded action, shown whole, and written where a person can read it.
 *
 * 1. A rule is proposed only when the policies, with it, really allow the action; else the reason says who would still ask.
 * 2. What is written is what was shown: the file as a whole, replaced at once, and in force before anybody is told.
 */
import { mkdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { SignalboxError } from '../../shared/protocol/errors.ts';
import type { RuleProposal } from '../../shared/protocol/views.ts';
import { Action } from '../../shared/state/action.ts';
import type { Approval } from '../../shared/state/approval.ts';
import { contextOf } from '../../shared/state/decision-context.ts';
import type { State } from '../../shared/state/evolve.ts';
import type { Rulebook } from '../coordinator/rulebook.ts';
import { writeFileAtomic } from '../platform/atomic.ts';
import { sha256 } from '../platform/digest.ts';
import type { Core } from '../rpc/handlers/core.ts';
import { decideAction } from '../policy/decide.ts';
import { loadPolicies, type PolicySource } from '../policy/load.ts';
import { rememberAction, type RememberedRule, writePolicy } from '../policy/remember.ts';

/** Denied questions that a proposal looks at and names, at most. */
const MAX_DENIED = 500;
const MAX_NAMED = 10;

export interface RememberParts {
  state: State;
  rulebook: Rulebook;
  artifacts: { readText(digest: string): Promise<string> };
  /** The policies of the host as they stand on disk. */
  hostPolicies(): Promise<PolicySource[]>;
  /** The configuration folder. */
  config: string;
}

/** The part of the core that makes rules of answers. */
export function rememberIn(parts: RememberParts): Pick<Core, 'proposeRule' | 'writeRule'> {
  return {
    proposeRule: (approval, scope, by) => proposeRule(parts, approval, scope, by),
    writeRule: (proposal) => writeRule(parts, proposal),
  };
}

/** The rule that a yes would be made into; throws SignalboxError when there can be none. */
async function proposeRule(parts: RememberParts, approval: Approval, scope: 'run' | 'always', by: string): Promise<RuleProposal> {
  if (scope === 'run' && approval.run === undefined) throw refusal('It belongs to no run.');
  if ((approval.quorum ?? 1) > 1) throw refusal('Several people are asked about this each time; one answer cannot stand for them.');
  const action = await readAction(parts, approval);
  const standing = contextOf(parts.state, action, Date.now());
  const { reasons } = parts.rulebook.judge(action, standing);
  const short = approval.id
    .replace(/[^a-z0-9]/gi, '')
    .slice(-8)
    .toLowerCase();
  const message = scope === 'run' ? `${by} allowed this for the rest of the run.` : `${by} always allows this (asked as ${short}).`;
  const made = rememberAction(action, reasons, { id: `allow-${short}`, message, repo: scope === 'run' ? undefined : action.repo });
  if (!made.ok) throw refusal(made.why);
  const { rule } = made;
  if (scope === 'run') {
    const text = writePolicy('this-run', rule.text);
    if (!parts.rulebook.admits(text, action, standing)) throw refusal('No rule of ours would recognise this action again.');
    const denied = await listDenied(parts, text);
    return { rule: { rule: rule.id, text, excepts: rule.excepts, says: rule.says }, before: '', after: '', digest: '', denied };
  }
  return proposeFile(parts, action, rule);
}

async function proposeFile(parts: RememberParts, action: Action, rule: RememberedRule): Promise<RuleProposal> {
  const file = join(parts.config, 'policies', 'remembered.yaml');
  const before = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  const head = `# Rules that answers with "always" were made into. Change or remove them as you like.\n${writePolicy('remembered', '')}`;
  const after = before === '' ? head + rule.text : `${before}${before.endsWith('\n') ? '' : '\n'}${rule.text}`;
  const others = (await parts.hostPolicies()).filter((source) => source.file !== file);
  const host: PolicySource[] = [...others, { file, text: after, origin: 'user', trusted: true }];
  refuseUseless(parts, action, host);
  const denied = await listDenied(parts, writePolicy('remembered', rule.text));
  return {
    rule: { rule: rule.id, text: rule.text, excepts: rule.excepts, says: rule.says, file },
    before,
    after,
    digest: sha256(after),
    denied,
  };
}

/** Writes the file as it was proposed, and puts the policies into force. */
async function writeRule(parts: RememberParts, { rule, after }: RuleProposal): Promise<void> {
  const { file = '' } = rule;
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  await writeFileAtomic(file, after);
  const loaded = parts.rulebook.reload(await parts.hostPolicies());
  if (!loaded.ok)
    throw new SignalboxError({ code: 'invalid_policy', message: 'The policies have problems.', facts: { problems: loaded.problems } });
}

/** A rule that would not load, or with which the action would still be asked about, is not worth writing. */
function refuseUseless({ rulebook, state }: RememberParts, action: Action, host: readonly PolicySource[]): void {
  const loaded = loadPolicies(host, sha256);
  if (!loaded.ok)
    throw new SignalboxError({
      code: 'invalid_policy',
      message: 'The policies would not load with such a rule.',
      facts: { problems: loaded.problems },
    });
  const standing = contextOf(state, action, Date.now());
  const next = decideAction(loaded.policies, action, standing);
  const still = next.effect === 'allow' || next.effect === 'warn' ? [] : next.reasons.filter((r) => r.effect === next.effect);
  // What a repository's own rules ask is not the user's to except.
  const ours = new Set(loaded.policies.files.map(({ policy }) => policy));
  const theirs = rulebook.judge(action, standing).reasons.filter((r) => r.effect === 'require_approval' && !ours.has(r.policy));
  const who = [...still, ...theirs.filter((r) => r.policy !== 'signalbox')].map((r) => `${r.policy}/${r.rule}`);
  if (who.length > 0) throw refusal(`also with such a rule, ${who.join(', ')} would not let it pass.`);
}

async function readAction({ artifacts }: RememberParts, { artifact, id }: Approval): Promise<Action> {
  const parsed = Action.safeParse(artifact === undefined ? undefined : JSON.parse(await artifacts.readText(artifact).catch(() => 'null')));
  if (!parsed.success) throw refusal(`The exact action of ${id} is not kept any more.`);
  return parsed.data;
}

/** What somebody said no to, and the rule would say yes to. */
async function listDenied(parts: RememberParts, text: string): Promise<RuleProposal['denied']> {
  const { state, rulebook } = parts;
  const found: RuleProposal['denied'] = [];
  const denied = [...state.approvals.values()].filter((a) => a.status === 'denied').reverse();
  for (const approval of denied.slice(0, MAX_DENIED)) {
    const action = await readAction(parts, approval).catch(() => undefined);
    if (action === undefined || !rulebook.admits(text, action, contextOf(state, action, Date.now()))) continue;
    found.push({ approval: approval.id, summary: approval.summary, by: approval.by ?? '', at: approval.answeredAt ?? '' });
    if (found.length === MAX_NAMED) break;
  }
  return found;
}

function refusal(why: string): SignalboxError {
  return new SignalboxError({ code: 'invalid_transition', message: `This answer cannot be made into a rule: ${why}` });
}
