// Remembers what git said of a configuration, such as which drivers it defines, so that not every command of git starts a second one to ask.
// Invariants:
// 1. What is remembered hangs on the bytes of every file that git would read; where that is not sure, git is asked.
// 2. A configuration that includes another file is never remembered.
import { lstat, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { GitWhere } from './git-environment.ts';

const MAX_BYTES = 64 * 1024;
const MAX_KEPT = 50;

/** Remembers the answers to one question about configurations; its function gives the answer for the same bytes before, or what `ask` says. */
export function rememberAnswers<Answer>(): (where: GitWhere, ask: () => Promise<Answer>) => Promise<Answer> {
  const kept = new Map<string, Answer>();
  return (where, ask) => recall(kept, where, ask);
}

async function recall<Answer>(kept: Map<string, Answer>, where: GitWhere, ask: () => Promise<Answer>): Promise<Answer> {
  const bytes = await readConfiguration(where);
  const known = bytes === undefined ? undefined : kept.get(bytes);
  if (known !== undefined) return known;
  const found = await ask();
  // It may have been changed while git read it.
  if (bytes === undefined || (await readConfiguration(where)) !== bytes) return found;
  if (kept.size >= MAX_KEPT) kept.clear();
  kept.set(bytes, found);
  return found;
}

/** All that git reads here, as one string; undefined where it may read more than that. */
async function readConfiguration({ gitDir, commonDir }: GitWhere): Promise<string | undefined> {
  if (commonDir === undefined && (await readPlain(join(gitDir, 'commondir'))) !== '') return undefined;
  const shared = await readPlain(join(commonDir ?? gitDir, 'config'));
  const own = await readPlain(join(gitDir, 'config.worktree'));
  if (shared === undefined || own === undefined) return undefined;
  const bytes = `${shared}\0${own}`;
  return /include/i.test(bytes) ? undefined : bytes;
}

/** A plain small file, one character a byte; empty when it is not there, undefined when it is anything else. */
async function readPlain(path: string): Promise<string | undefined> {
  try {
    const facts = await lstat(path);
    if (!facts.isFile() || facts.size > MAX_BYTES) return undefined;
    return await readFile(path, 'latin1');
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? '' : undefined;
  }
}
