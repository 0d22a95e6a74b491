/**
 * The entry of each program that somebody waits for: runs the bundle beside it (`cli.main.cjs` for `cli.cjs`) with the code that V8
 * made of it at an earlier start. Making it anew is a quarter of a cold start.
 *
 * 1. Kept code is run, so it is taken only from a folder of this user that nobody else can write to, and only whole.
 * 2. Whatever is wrong with what was kept costs time and nothing else.
 */
import { createHash } from 'node:crypto';
import { lstatSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire, wrap } from 'node:module';
import { homedir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { constants, Script } from 'node:vm';
import { findCacheHome } from './platform/cache-home.ts';

/** Files of kept code in the folder, those of older versions among them; each has up to 2 MB. */
const MOST_KEPT = 24;
/** A program that goes on keeps its code when it has started, which includes what a start needs and no more. */
const KEEP_AFTER_MS = 3_000;
const DIGEST_BYTES = 32;

/** Kept code is that of the functions which ran, and each command runs others. */
function nameOf(program: string, digest: string): string {
  const [, , word = ''] = process.argv;
  const { v8, modules } = process.versions;
  return [program, digest, v8, modules, process.arch, ...(/^[a-z]{1,20}$/.test(word) ? [word] : [])].join('-');
}

const digestOf = (data: Buffer): Buffer => createHash('sha256').update(data).digest();

function isPrivate(path: string): boolean {
  const facts = lstatSync(path);
  return process.platform === 'win32' || (facts.uid === process.getuid?.() && (facts.mode & 0o022) === 0);
}

function readKept(folder: string, name: string): Buffer | undefined {
  try {
    const path = join(folder, name);
    if (!isPrivate(folder) || !isPrivate(path)) return undefined;
    const whole = readFileSync(path);
    const code = whole.subarray(DIGEST_BYTES);
    return digestOf(code).equals(whole.subarray(0, DIGEST_BYTES)) ? code : undefined;
  } catch {
    return undefined;
  }
}

function keep(folder: string, name: string, code: Buffer): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    if (!isPrivate(folder)) return;
    const draft = join(folder, `${name}.${process.pid}.tmp`);
    writeFileSync(draft, Buffer.concat([digestOf(code), code]), { mode: 0o600 });
    renameSync(draft, join(folder, name));
    const others = readdirSync(folder).map((other) => ({ path: join(folder, other), at: statSync(join(folder, other)).mtimeMs }));
    for (const { path } of others.sort((a, b) => b.at - a.at).slice(MOST_KEPT)) rmSync(path, { force: true });
  } catch {
    // Without kept code the next start takes a little longer.
  }
}

function launch(): void {
  const file = __filename.replace(/\.cjs$/, '.main.cjs');
  const bytes = readFileSync(file);
  // Not state, and the same for every state folder.
  const folder = join(findCacheHome(process.env, process.platform, homedir()), 'signalbox', 'code');
  const name = `${nameOf(basename(file, '.cjs'), digestOf(bytes).toString('hex').slice(0, 16))}.code`;
  const cachedData = readKept(folder, name);
  const script = new Script(wrap(bytes.toString('utf8').replace(/^#!/, '//')), {
    filename: file,
    importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
    ...(cachedData === undefined ? {} : { cachedData }),
  });
  if (cachedData === undefined || script.cachedDataRejected === true) {
    let kept = false;
    const keepOnce = (): void => {
      if (!kept) keep(folder, name, script.createCachedData());
      kept = true;
    };
    setTimeout(keepOnce, KEEP_AFTER_MS).unref();
    process.once('exit', keepOnce);
  }
  const module = { exports: {} };
  script.runInThisContext().call(module.exports, module.exports, createRequire(file), module, file, dirname(file));
}

launch();
