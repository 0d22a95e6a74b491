/**
 * Turns findings into a plan. Pure.
 *
 * 1. A repair is proposed only where doing it cannot lose what is nowhere else: history keeps every file that it untracks.
 * 2. Nothing is untracked before the line of .gitignore that keeps it out, when that line is missing too.
 * 3. The same findings give the same plan, with the same ids.
 */
import type { Finding, FindingRule, Findings } from '../../../../shared/artifacts/findings.ts';
import type { ManualStep, Operation, Plan, Repair } from '../../../../shared/artifacts/plan.ts';
import { manualSteps } from './manual.ts';

const IGNORE_ID = 'ignore-generated-files';
const UNDO = 'Revert its commit (git revert), or take the whole run back with `signalbox undo`.';
const MAX_OPERATIONS = 5_000;

interface UntrackKind {
  id: string;
  title: string;
  risk: Repair['risk'];
  /** What merging does to whoever merges. */
  effect: string;
}

const UNTRACK: Partial<Record<FindingRule, UntrackKind>> = {
  'tracked-system-file': {
    id: 'untrack-system-files',
    title: 'Stop tracking files that the operating system makes',
    risk: 'low',
    effect: 'they disappear from the folders of whoever merges, and the system makes them again when it wants them',
  },
  'tracked-cache': {
    id: 'untrack-caches',
    title: 'Stop tracking caches',
    risk: 'low',
    effect: 'they disappear from the folders of whoever merges, and the tools make them again',
  },
  'tracked-editor-file': {
    id: 'untrack-editor-files',
    title: "Stop tracking one person's editor state",
    risk: 'medium',
    effect: 'merging deletes them from the folders of whoever merges, so copy them first if that editor state is yours',
  },
  'tracked-log': {
    id: 'untrack-logs',
    title: 'Stop tracking log files',
    risk: 'medium',
    effect: 'merging deletes them from the folders of whoever merges; the history keeps what they say now',
  },
  'tracked-coverage': {
    id: 'untrack-coverage',
    title: 'Stop tracking coverage reports',
    risk: 'medium',
    effect: 'merging deletes them from the folders of whoever merges; the tests make them again',
  },
  'tracked-build-output': {
    id: 'untrack-build-output',
    title: 'Stop tracking build output',
    risk: 'medium',
    effect: 'merging deletes it from the folders of whoever merges, and a build makes it again',
  },
  'tracked-dependencies': {
    id: 'untrack-dependencies',
    title: 'Stop tracking installed dependencies',
    risk: 'medium',
    effect: 'merging deletes them from the folders of whoever merges, so everybody has to install them again',
  },
  'tracked-environment': {
    id: 'untrack-environment-files',
    title: 'Stop tracking environment files',
    risk: 'medium',
    effect: 'merging deletes them from the folders of whoever merges, so copy them first; the history still shows their values',
  },
};

/** Plans the repairs for these findings, those that others need first; a plan without repairs is valid. */
export function planRepairs(findings: Findings): Plan {
  const entries = findings.findings.filter((finding) => finding.rule === 'missing-ignore-entry' && finding.data?.entry !== undefined);
  const ignore = entries.length === 0 ? [] : [planIgnore(entries, findings.project.ignoreFile)];
  const repairs = [...ignore];
  const manual: ManualStep[] = [];
  for (const [rule, kind] of Object.entries(UNTRACK)) {
    const affected = findings.findings.filter((finding) => finding.rule === rule && finding.data?.sample !== true);
    const needs = entries.some((finding) => finding.data?.keepsOut?.some((kept) => kept === rule)) ? [IGNORE_ID] : [];
    const repair = planUntrack(kind, affected, needs);
    if (repair !== undefined) repairs.push(repair);
  }
  const repaired = new Set(repairs.flatMap((repair) => repair.findings));
  manual.push(...manualSteps(findings.findings, repaired));
  return { version: 1, base: findings.commit, repairs, manual };
}

function planIgnore(entries: readonly Finding[], hasIgnoreFile: boolean): Repair {
  const lines = entries.map((finding) => finding.data?.entry ?? '').toSorted();
  const operation: Operation = hasIgnoreFile
    ? { op: 'append_lines', path: '.gitignore', lines: lines.slice(0, 500) }
    : { op: 'create_file', path: '.gitignore', lines: lines.slice(0, 500) };
  return {
    id: IGNORE_ID,
    title: lines.length === 1 ? `Ignore ${lines[0] ?? ''}` : `Ignore ${lines.length} kinds of generated files`,
    findings: entries.map((finding) => finding.id),
    risk: 'low',
    needs: [],
    operations: [operation],
    changes:
      `${hasIgnoreFile ? 'Adds to' : 'Makes'} .gitignore: ${lines.slice(0, 20).join(', ')}${lines.length > 20 ? ', …' : ''}. Files that are tracked already stay tracked.`.slice(
        0,
        2_000,
      ),
    undo: UNDO,
    paths: ['.gitignore'],
  };
}

function planUntrack(kind: UntrackKind, affected: readonly Finding[], needs: string[]): Repair | undefined {
  const operations = affected.flatMap(untrackOperations).slice(0, MAX_OPERATIONS);
  if (operations.length === 0) return undefined;
  const files = affected.reduce((sum, finding) => sum + (finding.data?.count ?? 1), 0);
  return {
    id: kind.id,
    title: kind.title,
    findings: affected.map((finding) => finding.id),
    risk: kind.risk,
    needs,
    operations,
    changes:
      `Removes ${files === 1 ? (operations[0]?.path ?? '') : `${files.toLocaleString('en-US')} files`} from the branch: ${kind.effect}.`.slice(
        0,
        2_000,
      ),
    undo: UNDO,
    paths: operations.map((operation) => operation.path),
  };
}

function untrackOperations(finding: Finding): Operation[] {
  if (finding.data?.folder === true) return [{ op: 'untrack', path: finding.file, folder: true }];
  return (finding.data?.paths ?? []).map((path) => ({ op: 'untrack', path, folder: false }));
}
