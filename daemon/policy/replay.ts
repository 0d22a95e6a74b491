// Decides recorded actions again, many of them: those that are the same for the rules are decided once.
//
// R1. Two actions are the same for the rules when all fields that a condition about their kind looks at are equal.
import { Action, ACTION_KINDS, type ActionKind, type Effect } from '../../shared/state/action.ts';
import { DecisionContext } from '../../shared/state/decision-context.ts';
import { IDLE } from './action-input.ts';
import { decideAction } from './decide.ts';
import type { Policies } from './rules.ts';

/** What rules say about a recorded action, and the rules that decide it as `policy/rule`. */
export interface Replayed {
  effect: Effect;
  rules: readonly string[];
}

/** What the rules say about one action, as things stood then; undefined for what is no action. */
export type Decider = (context: DecisionContext | undefined) => Replayed | undefined;

/** Recorded actions, decided by other policies. */
export interface Replay {
  /** The same decider for actions that are the same for the rules; takes an action as its JSON was recorded. */
  deciderOf(recorded: unknown): Decider;
  /** How many actions were really decided. */
  readonly distinct: number;
}

const NONE: Decider = () => undefined;

/** Makes a replay of some policies, which remembers what it decided. */
export function createReplay(policies: Policies): Replay {
  const looks = listFields(policies);
  const deciders = new Map<string, Decider>();
  const counted = { distinct: 0 };
  return {
    deciderOf(recorded) {
      const fields = (typeof recorded === 'object' && recorded !== null ? recorded : {}) as Record<string, unknown> & { kind?: ActionKind };
      const look = fields.kind === undefined ? undefined : looks[fields.kind];
      if (look === undefined) return NONE;
      const key = JSON.stringify([fields.kind, look.fields.map((name) => fields[name])]);
      const known = deciders.get(key) ?? makeDecider(policies, recorded, look.context, counted);
      deciders.set(key, known);
      return known;
    },
    get distinct() {
      return counted.distinct;
    },
  };
}

function makeDecider(policies: Policies, recorded: unknown, looksAtContext: boolean, counted: { distinct: number }): Decider {
  const action = Action.safeParse(recorded);
  if (!action.success) return NONE;
  const known = new Map<string, Replayed>();
  return (context) => {
    const key = looksAtContext ? JSON.stringify(context) : '';
    const before = known.get(key);
    if (before) return before;
    counted.distinct += 1;
    const standing = context === undefined ? IDLE : (DecisionContext.safeParse(context).data ?? IDLE);
    const { effect, reasons } = decideAction(policies, action.data, standing);
    const rules = reasons.filter((reason) => reason.effect === effect).map(({ policy, rule }) => `${policy}/${rule}`);
    known.set(key, { effect, rules });
    return { effect, rules };
  };
}

/** The fields that conditions look at, by kind, and whether they look at how things stand. */
function listFields(policies: Policies): Record<ActionKind, { fields: string[]; context: boolean }> {
  const entries = ACTION_KINDS.map((kind) => {
    const mentions = policies.byKind[kind].flatMap((rule) => rule.condition?.mentions ?? []);
    const fields = [...new Set(mentions.filter((path) => !path.startsWith('context.')).map((path) => path.split('.')[0] ?? ''))];
    return [kind, { fields: fields.sort(), context: mentions.some((path) => path.startsWith('context.')) }] as const;
  });
  return Object.fromEntries(entries) as Record<ActionKind, { fields: string[]; context: boolean }>;
}
