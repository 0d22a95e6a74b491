// Finds functions over 50 lines, by oxlint's rule; a "// Long because: <reason>" inside or just above excuses one.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const here = path.dirname(fileURLToPath(import.meta.url));
const REASON = /\/\/ Long because: \S+/;

interface Finding {
  readonly filename: string;
  readonly message: string;
  readonly labels: readonly { readonly span: { readonly offset: number; readonly length: number; readonly line: number } }[];
}

function lint(root: string, folders: readonly string[]): readonly Finding[] {
  const oxlint = path.join(here, '../../node_modules/oxlint/bin/oxlint');
  const config = path.join(here, 'functions.oxlintrc.json');
  const args = [oxlint, '-c', config, '--disable-nested-config', '--format', 'json', ...folders];
  const result = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
  const answer: unknown = JSON.parse(result.stdout);
  if (typeof answer !== 'object' || answer === null || !('diagnostics' in answer) || !Array.isArray(answer.diagnostics)) {
    throw new Error(`oxlint gave no findings to read: ${result.stdout.slice(0, 500)} ${result.stderr}`);
  }
  return answer.diagnostics as readonly Finding[];
}

/** Whether the function, or the comment lines just above it, gives a reason. Offsets count bytes, as oxlint's do. */
function isExcused(root: string, finding: Finding): boolean {
  const bytes = readFileSync(path.join(root, finding.filename));
  return finding.labels.some(({ span }) => {
    const inside = bytes.subarray(span.offset, span.offset + span.length).toString('utf8');
    const above = bytes.subarray(0, span.offset).toString('utf8').split('\n').slice(-4).join('\n');
    return REASON.test(inside) || REASON.test(above);
  });
}

/** One line per function over 50 lines without a reason, in the folders below `root`. Throws when oxlint cannot be read. */
export function findLongFunctions(root: string, folders: readonly string[]): string[] {
  return lint(root, folders)
    .filter((finding) => !isExcused(root, finding))
    .map((finding) => `${finding.filename}:${finding.labels[0]?.span.line ?? 0}: ${finding.message}`);
}
