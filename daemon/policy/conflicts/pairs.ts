// Which rules contradict each other, and which never decide anything, each with an action that shows it.
import { ACTION_KINDS, type ActionKind, type Effect } from '../../../shared/state/action.ts';
import { evaluateCondition, findLongestList } from '../condition.ts';
import { contextFor } from '../load.ts';
import { compareStrictness, enforce, type Policies, type Rule } from '../rules.ts';
import { type Formula, readFormula } from './formula.ts';
import { type Answer, solve } from './solve.ts';
import { buildWitness, domainFor, isWhole, type Witness } from './witness.ts';

/** A rule as a finding names it, with the effect that it has after the enforcement of its policy. */
export interface RuleName {
  policy: string;
  rule: string;
  effect: Effect;
}

/** One thing that was found about a rule, or about two. */
export interface Finding {
  /**
   * `contradiction`: one allows what the other asks or denies, and neither is an exception to the other.
   * `overlap`: one asks what the other denies, for some actions.
   * `exception`: the stricter one matches only what the looser one matches too, as exceptions do.
   * `shadowed`: whatever the first matches, the second matches and decides.
   * `unreachable`: nothing can match the first. `undecided`: the analysis cannot tell.
   */
  kind: 'contradiction' | 'overlap' | 'exception' | 'shadowed' | 'unreachable' | 'undecided';
  on: ActionKind;
  first: RuleName;
  second?: RuleName;
  /** An action that both match (that the first matches, where there is no second), confirmed by evaluating them. */
  witness?: Witness;
}

export interface Conflicts {
  findings: Finding[];
  pairs: number;
  /** Pairs that were not looked at, because the work would have been too much. */
  skipped: number;
}

/** Steps of the search for one question, and for all of them. */
const STEPS = 3_000;
const ALL_STEPS = 5_000_000;
/** What making a witness and evaluating it costs, in steps. */
const BUILD_STEPS = 40;

interface Side {
  rule: Rule;
  name: RuleName;
  holds: Formula;
  fails: Formula;
}

/** Looks at every rule, and at every two rules of one layer that are about the same kind of action. */
export function findConflicts(policies: Policies): Conflicts {
  const left = { steps: ALL_STEPS };
  let pairs = 0;
  let skipped = 0;
  const findings = ACTION_KINDS.flatMap((kind) => {
    const search = new Search(kind, left);
    const sides = policies.byKind[kind].map((rule) => readSide(rule, kind));
    const alone = sides.flatMap((side) => search.lookAt(side));
    const dead = new Set(alone.filter((finding) => finding.kind === 'unreachable').map(({ first }) => first));
    const alive = sides.filter(({ name }) => !dead.has(name));
    const both = alive.flatMap((a, i) =>
      alive.slice(i + 1).flatMap((b) => {
        if (a.rule.layer !== b.rule.layer) return [];
        pairs += 1;
        if (left.steps > 0) return search.compare(a, b);
        skipped += 1;
        return [];
      }),
    );
    return [...alone, ...both];
  });
  return { findings, pairs, skipped };
}

function readSide(rule: Rule, kind: ActionKind): Side {
  const { policy, id, effect, enforcement, condition } = rule;
  const ast = condition && contextFor(kind).environment.parse(condition.source).ast;
  const always: Formula = { op: 'constant', value: true };
  return {
    rule,
    name: { policy, rule: id, effect: enforce(effect, enforcement) },
    holds: ast ? readFormula(ast) : always,
    fails: ast ? readFormula(ast, true) : { ...always, value: false },
  };
}

class Search {
  readonly #kind: ActionKind;
  readonly #left: { steps: number };
  readonly #domainOf: ReturnType<typeof domainFor>;

  constructor(kind: ActionKind, left: { steps: number }) {
    this.#kind = kind;
    this.#domainOf = domainFor(kind);
    this.#left = left;
  }

  /** Whether anything can match a rule. */
  lookAt({ rule, name, holds }: Side): Finding[] {
    const answer = this.#solve([holds], (witness) => matches(rule, witness));
    if (answer.kind === 'found') return [];
    return [{ kind: answer.kind === 'none' ? 'unreachable' : 'undecided', on: this.#kind, first: name }];
  }

  compare(a: Side, b: Side): Finding[] {
    const stricterFirst = compareStrictness(a.name.effect, b.name.effect) <= 0;
    const [strict, loose] = stricterFirst ? [a, b] : [b, a];
    if (isExcepted(strict.rule, loose.rule)) return [];
    const together = this.#solve([strict.holds, loose.holds], (witness) => matches(strict.rule, witness) && matches(loose.rule, witness));
    const found = { on: this.#kind, first: loose.name, second: strict.name };
    if (together.kind === 'none') return [];
    const looseAlone = this.#solve(
      [loose.holds, strict.fails],
      (witness) => matches(loose.rule, witness) && !matches(strict.rule, witness),
    );
    const shown = together.kind === 'found' ? { witness: together.witness } : {};
    if (strict.name.effect === loose.name.effect) return this.#compareSame(strict, loose, { together, looseAlone });
    if (looseAlone.kind === 'none') return [{ kind: 'shadowed', ...found, ...shown }];
    if (together.kind === 'unsure' || looseAlone.kind === 'unsure') return [{ kind: 'undecided', ...found, ...shown }];
    const strictAlone = this.#solve(
      [strict.holds, loose.fails],
      (witness) => matches(strict.rule, witness) && !matches(loose.rule, witness),
    );
    if (strictAlone.kind === 'unsure') return [{ kind: 'undecided', ...found, ...shown }];
    const kind = strictAlone.kind === 'none' ? 'exception' : loose.name.effect === 'require_approval' ? 'overlap' : 'contradiction';
    return [{ kind, ...found, ...shown }];
  }

  /** Two rules of the same effect do not contradict each other; one may still add nothing to the other. */
  #compareSame(a: Side, b: Side, { together, looseAlone }: { together: Answer<Witness>; looseAlone: Answer<Witness> }): Finding[] {
    const shown = together.kind === 'found' ? { witness: together.witness } : {};
    if (looseAlone.kind === 'none' && !addsTo(b.rule, a.rule))
      return [{ kind: 'shadowed', on: this.#kind, first: b.name, second: a.name, ...shown }];
    const alone = this.#solve([a.holds, b.fails], (witness) => matches(a.rule, witness) && !matches(b.rule, witness));
    if (alone.kind !== 'none' || addsTo(a.rule, b.rule)) return [];
    return [{ kind: 'shadowed', on: this.#kind, first: a.name, second: b.name, ...shown }];
  }

  #solve(parts: readonly Formula[], confirm: (witness: Witness) => boolean): Answer<Witness> {
    const budget = { steps: Math.min(STEPS, this.#left.steps) };
    const given = budget.steps;
    const answer = solve<Witness>(
      { op: 'and', parts },
      {
        domainOf: this.#domainOf,
        budget,
        build: (found) => {
          budget.steps -= BUILD_STEPS;
          for (const spelled of [true, false]) {
            const witness = buildWitness(this.#kind, found, { domainOf: this.#domainOf, spelled });
            if (witness && confirm(witness) && isWhole(witness)) return witness;
          }
          return undefined;
        },
      },
    );
    this.#left.steps -= given - Math.max(0, budget.steps);
    return answer;
  }
}

const SEVERITIES = ['info', 'low', 'medium', 'high', 'critical'];

/** Whether a rule that matches less than another of the same effect still says more: a graver severity, or demands of its own. */
function addsTo(inner: Rule, outer: Rule): boolean {
  const demands = [inner.approvers, inner.quorum, inner.escalate, inner.expiresMs, inner.excepts];
  return SEVERITIES.indexOf(inner.severity) > SEVERITIES.indexOf(outer.severity) || demands.some((demand) => demand !== undefined);
}

function isExcepted(strict: Rule, loose: Rule): boolean {
  return loose.excepts?.includes(`${strict.policy}/${strict.id}`) ?? false;
}

function matches({ condition }: Rule, witness: Witness): boolean {
  if (condition === undefined) return true;
  const outcome = evaluateCondition(condition, witness, findLongestList(witness));
  return outcome.ok && outcome.value;
}
