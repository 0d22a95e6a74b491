/**
 * Writes the report of a check-up as Markdown. Pure.
 *
 * 1. Text of the repository (paths, messages) is data: it is escaped and cannot become markup.
 * 2. What did not happen is said, not passed over.
 */
import type { Finding, Severity } from '../../../../shared/artifacts/findings.ts';
import type { Repair } from '../../../../shared/artifacts/plan.ts';
import type { RepairResult } from '../../../../shared/artifacts/repairs.ts';
import type { ReportInput } from '../../../../shared/artifacts/report.ts';

/** Numbers for whoever shows one line about the run. */
export type ReportSummary = {
  findings: number;
  high: number;
  done: number;
  refused: number;
  failed: number;
  left: number;
  manual: number;
  remaining: number;
  tests: string;
  merge: string;
};

const MAX_LISTED = 100;

/** The report and its numbers. */
export function writeReport(input: ReportInput): { markdown: string; summary: ReportSummary } {
  const parts = [
    writeHead(input),
    writeFound(input),
    writeRepairs(input),
    writeTests(input),
    writeVerification(input),
    writeManual(input),
    writeMerge(input),
    writeNotes(input),
  ];
  return { markdown: `${parts.filter((part) => part !== '').join('\n\n')}\n`, summary: summarise(input) };
}

function summarise(input: ReportInput): ReportSummary {
  const findings = input.findings?.findings ?? [];
  const results = input.repairs?.results ?? [];
  const number = (status: RepairResult['status']): number => results.filter((result) => result.status === status).length;
  return {
    findings: findings.length,
    high: findings.filter((finding) => finding.severity === 'high').length,
    done: number('done'),
    refused: number('refused'),
    failed: number('failed'),
    left: number('left'),
    manual: input.plan?.manual.length ?? 0,
    remaining: input.verification?.remaining.length ?? findings.length,
    tests: input.test?.status ?? 'absent',
    merge: input.merge?.status ?? 'not_asked',
  };
}

function writeHead(input: ReportInput): string {
  const { findings } = input;
  const title = `# Check-up${input.repository === undefined ? '' : ` of ${escapeText(input.repository)}`}`;
  if (findings === undefined) return `${title}\n\nThe repository was not scanned.`;
  const { project } = findings;
  const facts = [
    `- Commit: ${code(findings.commit)}`,
    `- Project: ${list(project.types)}; package managers: ${list(project.packageManagers)}; CI: ${list(project.ci)}`,
    `- Files: ${project.files.toLocaleString('en-US')} (${(project.bytes / 1_000_000).toFixed(1)} MB)`,
    ...(input.run === undefined ? [] : [`- Run: ${code(input.run)}`]),
  ];
  return `${title}\n\n${facts.join('\n')}`;
}

const SEVERITIES: readonly Severity[] = ['high', 'medium', 'low', 'info'];

function writeFound({ findings }: ReportInput): string {
  if (findings === undefined) return '';
  if (findings.findings.length === 0) return '## Found\n\nNothing was found.';
  const counts = SEVERITIES.map(
    (severity) => [severity, findings.findings.filter((finding) => finding.severity === severity).length] as const,
  ).filter(([, n]) => n > 0);
  const lines = findings.findings.slice(0, MAX_LISTED).map(describeFinding);
  const more = findings.findings.length > MAX_LISTED ? `\n- and ${findings.findings.length - MAX_LISTED} more, in findings.json` : '';
  return `## Found\n\n${counts.map(([severity, n]) => `${n} ${severity}`).join(', ')}.\n\n${lines.join('\n')}${more}`;
}

function describeFinding(finding: Finding): string {
  const place = `${finding.file}${finding.line === undefined ? '' : `:${finding.line}`}`;
  return `- **${finding.severity}** ${code(place)} ${escapeText(finding.message)}`;
}

function writeRepairs({ plan, repairs, decisions = [] }: ReportInput): string {
  if (plan === undefined) return '';
  if (plan.repairs.length === 0) return '## Repairs\n\nThere was nothing that can be repaired safely without a person.';
  const results = new Map(repairs?.results.map((result) => [result.id, result]));
  const groups: [string, Repair[]][] = [
    ['Done', plan.repairs.filter((repair) => results.get(repair.id)?.status === 'done')],
    ['Refused', plan.repairs.filter((repair) => results.get(repair.id)?.status === 'refused')],
    ['Failed', plan.repairs.filter((repair) => results.get(repair.id)?.status === 'failed')],
    ['Left', plan.repairs.filter((repair) => (results.get(repair.id)?.status ?? 'left') === 'left')],
  ];
  const texts = groups
    .filter(([, members]) => members.length > 0)
    .map(([name, members]) => {
      const lines = members.map((repair) => describeRepair(repair, results.get(repair.id), decisions));
      return `### ${name}\n\n${lines.join('\n')}`;
    });
  return `## Repairs\n\n${texts.join('\n\n')}`;
}

function describeRepair(repair: Repair, result: RepairResult | undefined, decisions: NonNullable<ReportInput['decisions']>): string {
  const head = `- **${escapeText(repair.title)}** (${code(repair.id)}, risk ${repair.risk})`;
  const decision = decisions.findLast((candidate) => candidate.subject === repair.id);
  const decided =
    decision === undefined
      ? []
      : [
          `  - Decision: ${decision.effect}${decision.by === undefined ? '' : ` by ${escapeText(decision.by)}`}${decision.reason === undefined ? '' : `: ${escapeText(decision.reason)}`}`,
        ];
  if (result === undefined) return [head, ...decided, '  - It was not reached.'].join('\n');
  if (result.status !== 'done') return [head, ...decided, `  - Why: ${escapeText(result.reason)} (${code(result.code)})`].join('\n');
  const commit =
    result.commit === undefined
      ? []
      : [`  - Commit: ${code(result.commit.slice(0, 12))}${result.earlier === true ? ' (of an earlier attempt)' : ''}`];
  return [head, `  - ${escapeText(repair.changes)}`, ...commit, ...decided, `  - Undo: ${escapeText(repair.undo)}`].join('\n');
}

function writeTests({ test, findings }: ReportInput): string {
  if (test === undefined && findings === undefined) return '';
  const known = findings?.project.testCommand;
  const argv = test?.argv ?? known?.argv;
  const named = argv === undefined ? 'The tests' : code(argv.join(' '));
  const source = known === undefined ? '' : ` (named in ${code(`${known.source.file}:${known.source.line}`)})`;
  const detail = test?.detail === undefined ? '' : ` ${escapeText(test.detail)}`;
  const exit = test?.exitCode === undefined ? '' : ` with exit code ${test.exitCode}`;
  const said: Record<NonNullable<typeof test>['status'], string> = {
    passed: `${named}${source} passed.`,
    failed: `${named}${source} failed${exit}.`,
    timeout: `${named}${source} did not end in time.`,
    refused: `${named}${source} was not allowed to run, so nothing is known about it.`,
    absent: 'The repository names no test command, so none was run.',
    skipped: `${named}${source} was not run.`,
  };
  return `## Tests\n\n${said[test?.status ?? (known === undefined ? 'absent' : 'skipped')]}${detail}`;
}

function writeVerification({ verification }: ReportInput): string {
  if (verification === undefined) return '';
  const { gone, remaining, added, incomplete } = verification;
  const lines = [`A second scan: ${gone.length} gone, ${remaining.length} still there, ${added.length} new.`];
  for (const { repair, findings } of incomplete)
    lines.push(`- ${code(repair)} was done, but ${findings.length} of its findings ${findings.length === 1 ? 'is' : 'are'} still there.`);
  for (const finding of added.slice(0, MAX_LISTED)) lines.push(`- New: ${describeFinding(finding).slice(2)}`);
  return `## Verified\n\n${lines[0] ?? ''}${lines.length > 1 ? `\n\n${lines.slice(1).join('\n')}` : ''}`;
}

function writeManual({ plan }: ReportInput): string {
  if (plan === undefined || plan.manual.length === 0) return '';
  const items = plan.manual
    .slice(0, MAX_LISTED)
    .map(({ title, steps }) => `### ${escapeText(title)}\n\n${steps.map((step, index) => `${index + 1}. ${escapeText(step)}`).join('\n')}`);
  const more = plan.manual.length > MAX_LISTED ? [`And ${plan.manual.length - MAX_LISTED} more, in plan.json.`] : [];
  return ['## What a person has to do', ...items, ...more].join('\n\n');
}

function writeMerge({ merge, run, repairs }: ReportInput): string {
  const undo = run === undefined ? 'signalbox undo RUN' : `signalbox undo ${run}`;
  const detail = merge?.detail === undefined ? '' : ` ${escapeText(merge.detail)}`;
  const into = merge?.into === undefined ? 'the branch' : code(merge.into);
  const branch = merge?.branch === undefined ? 'its own branch' : code(merge.branch);
  const said = ((): string => {
    switch (merge?.status) {
      case 'merged':
        return `Merged into ${into}${merge.commit === undefined ? '' : ` as ${code(merge.commit.slice(0, 12))}`}. To take it back: ${code(undo)}.`;
      case 'refused':
        return `Not merged: it was refused. The work is on ${branch}; everything else is as it was.`;
      case 'conflict':
        return `Not merged: ${into} has changed in the same places. The work is on ${branch}.`;
      case 'failed':
        return `Not merged: the merge failed. The work is on ${branch}.`;
      case 'nothing':
        return 'There was nothing to merge.';
      default:
        return (repairs?.results ?? []).some((result) => result.status === 'done')
          ? `Not merged: nobody asked for it. The work is on ${branch}; merge it with ${code(`git merge ${merge?.branch ?? 'BRANCH'}`)}.`
          : '';
    }
  })();
  return said === '' ? '' : `## Merge\n\n${said}${detail}`;
}

function writeNotes({ findings }: ReportInput): string {
  if (findings === undefined || findings.notes.length === 0) return '';
  return `## Not looked at\n\n${findings.notes.map((note) => `- ${escapeText(note)}`).join('\n')}`;
}

function list(names: readonly string[]): string {
  return names.length === 0 ? 'none found' : names.map(escapeText).join(', ');
}

// Bidirectional and control characters could make a path read as another one.
const INVISIBLE = /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

function escapeText(text: string): string {
  return text.replace(INVISIBLE, '\ufffd').replace(/[\\`*_[\]<>#|~]/g, '\\$&');
}

function code(text: string): string {
  const plain = text.replace(INVISIBLE, '\ufffd');
  const longest = Math.max(0, ...[...plain.matchAll(/`+/g)].map((match) => match[0].length));
  const fence = '`'.repeat(longest + 1);
  return longest === 0 ? `\`${plain}\`` : `${fence} ${plain} ${fence}`;
}
