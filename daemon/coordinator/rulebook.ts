/**
 * The policies in force: the built-in ones and the user's everywhere, a repository's own where they are.
 *
 * 1. What does not load changes nothing: the last good ones stay in force, and the notices say so until it loads.
 * 2. A repository's policies are read together with the host's, so a change of the host's is one of theirs.
 */
import { resolve } from 'node:path';
import type { Action, ActionKind, Decision } from '../../shared/state/action.ts';
import type { DecisionContext } from '../../shared/state/decision-context.ts';
import { decideAction } from '../policy/decide.ts';
import { loadPolicies, type LoadedPolicies, type PolicySource, type Problem } from '../policy/load.ts';
import type { Policies, PolicyFile } from '../policy/rules.ts';
import { createRunRules } from './run-rules.ts';

/** A file in force, with its text. */
export interface FileInForce extends PolicyFile {
  text: string;
}

export interface Rulebook {
  /** Reads the policies of the host anew, and those of the repositories with them. */
  reload(sources: readonly PolicySource[]): LoadedPolicies;
  /** Reads the policies of a repository anew. */
  load(repo: string, sources: readonly PolicySource[]): LoadedPolicies;
  /** Rules of one run beside all others; the stricter of both stands. What does not load changes nothing. */
  loadForRun(run: string, source: PolicySource): LoadedPolicies;
  /** Nothing will be decided for the run any more. */
  forgetRun(run: string): void;
  judge(action: Action, standing: DecisionContext): Decision;
  /** True when the rules allow every action of a kind in a repository (empty for none), whatever it is. */
  permits(kind: ActionKind, repo: string): boolean;
  /** Whether a policy that an answer was made into allows an action. */
  admits(text: string, action: Action, standing: DecisionContext): boolean;
  /** The files in force: of the host for an empty name, else those that the repository brings. */
  filesOf(repo: string): FileInForce[];
  /** What keeps the newest policies from being in force; empty while they are. Paths of a repository's files are absolute. */
  problems(): Problem[];
  /** Sentences about files that do not load, and about what was left out of those that do. */
  notices(): string[];
}

/** What is in force somewhere, and what it was read from. */
interface Book {
  sources: readonly PolicySource[];
  policies: Policies;
}

/** Files that are read, and the last good ones for when they do not load; absent when there are none. */
export interface HostSources {
  sources: readonly PolicySource[];
  lastGood?: readonly PolicySource[];
}

const HOST = '';
/** Texts that answers were made into, compiled; as many as are in use at once, and no more than this. */
const MAX_REMEMBERED = 200;

/** Makes the book from the policies of the host; throws when neither those nor the last good ones load, since nothing could be decided. */
export function createRulebook({ sources, lastGood }: HostSources, hash: (text: string) => string): Rulebook {
  const said = new Map<string, string[]>();
  const broken = new Map<string, readonly Problem[]>();
  const read = (where: string, texts: readonly PolicySource[]): LoadedPolicies => {
    const loaded = loadPolicies(texts, hash);
    const kept = `The policies that were in force before stay so${where === HOST ? '' : ` in ${where}`}, until this is mended.`;
    broken.set(where, loaded.ok ? [] : loaded.problems.map((problem) => ({ ...problem, file: resolve(where, problem.file) })));
    said.set(where, loaded.ok ? loaded.notices.map(describe) : [...loaded.problems.map(describe), kept]);
    return loaded;
  };
  let host = openHost(read(HOST, sources), { sources, ...(lastGood ? { lastGood } : {}) }, hash);
  const byRepo = new Map<string, Book>();
  /** What each repository says now, also where it does not load. */
  const newest = new Map<string, readonly PolicySource[]>();
  const load: Rulebook['load'] = (repo, own) => {
    const loaded = read(repo, [...host.sources, ...own]);
    if (own.length > 0) newest.set(repo, own);
    if (loaded.ok && own.length > 0) byRepo.set(repo, { sources: own, policies: loaded.policies });
    if (loaded.ok && own.length === 0) for (const table of [newest, byRepo, said, broken]) table.delete(repo);
    return loaded;
  };
  /** The host has changed below what a repository said before it broke. */
  const renew = (repo: string): void => {
    const { sources: own } = byRepo.get(repo) ?? { sources: [] };
    const loaded = loadPolicies([...host.sources, ...own], hash);
    if (loaded.ok && own.length > 0) byRepo.set(repo, { sources: own, policies: loaded.policies });
  };
  const inForce = (repo: string): Policies => (byRepo.get(repo) ?? host).policies;
  const ofRuns = createRunRules(() => host.sources, hash);

  return {
    reload(texts) {
      const loaded = read(HOST, texts);
      if (!loaded.ok) return loaded;
      host = { sources: texts, policies: loaded.policies };
      for (const [repo, own] of newest) if (!load(repo, own).ok) renew(repo);
      return loaded;
    },
    load,
    loadForRun: ofRuns.loadForRun,
    forgetRun: ofRuns.forgetRun,
    judge: (action, standing) => ofRuns.sharpen(decideAction(inForce(action.repo), action, standing), action, standing),
    admits: createAdmission(hash),
    permits: (kind, repo) => inForce(repo).permits.has(kind) && ofRuns.permit(kind),
    filesOf: (repo) => listFiles(repo === HOST ? host : byRepo.get(repo)),
    problems: () => [...broken.values()].flat(),
    notices: () => [...said.values()].flat(),
  };
}

function listFiles(book: Book | undefined): FileInForce[] {
  const texts = new Map(book?.sources.map(({ file, text }) => [file, text]));
  return (book?.policies.files ?? []).flatMap((file) => {
    const text = texts.get(file.file);
    return text === undefined ? [] : [{ ...file, text }];
  });
}

function createAdmission(hash: (text: string) => string): Rulebook['admits'] {
  const remembered = new Map<string, Policies | undefined>();
  return (text, action, standing) => {
    if (!remembered.has(text)) {
      if (remembered.size >= MAX_REMEMBERED) remembered.clear();
      const loaded = loadPolicies([{ text, file: 'remembered', origin: 'user', trusted: true }], hash);
      remembered.set(text, loaded.ok ? loaded.policies : undefined);
    }
    const policies = remembered.get(text);
    return policies !== undefined && decideAction(policies, action, standing).effect === 'allow';
  };
}

function openHost(now: LoadedPolicies, { sources, lastGood }: HostSources, hash: (text: string) => string): Book {
  if (now.ok) return { sources, policies: now.policies };
  const before = lastGood && loadPolicies(lastGood, hash);
  if (lastGood && before?.ok) return { sources: lastGood, policies: before.policies };
  throw Object.assign(new Error(now.problems.map(describe).join('\n')), { code: 'invalid_policy' });
}

function describe({ file, line, column, message }: Problem): string {
  return `${file}:${line}:${column}: ${message}`;
}
