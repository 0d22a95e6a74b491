import type { Finding } from '../../../../shared/artifacts/findings.ts';
import type { ManualStep } from '../../../../shared/artifacts/plan.ts';

/** What a person has to do about the findings that no repair covers, or that a repair covers only in part. */
export function manualSteps(findings: readonly Finding[], repaired: ReadonlySet<string>): ManualStep[] {
  return [
    ...findings.filter((finding) => finding.rule === 'secret' && finding.data?.sample !== true).map(rotateSecret),
    ...findings
      .filter((finding) => finding.rule === 'tracked-environment' && finding.data?.kind !== undefined)
      .map((finding) => rotateEnvironment(finding, repaired)),
    ...together(
      findings.filter((finding) => finding.rule === 'secret' && finding.data?.sample === true),
      lookAtSamples,
    ),
    ...findings.filter((finding) => finding.rule === 'large-file').map(moveLarge),
    ...findings.filter((finding) => finding.rule === 'tracked-ignored').map(settleIgnored),
  ];
}

function together(findings: readonly Finding[], describe: (findings: readonly Finding[]) => ManualStep): ManualStep[] {
  return findings.length === 0 ? [] : [describe(findings)];
}

const REMOVE_FROM_HISTORY =
  'Removing it from the files does not remove it from the history: if others can read the repository, rewrite the history (git filter-repo) and have everybody clone again.';

function rotateSecret(finding: Finding): ManualStep {
  const place = `${finding.file}:${finding.line ?? 1}`;
  return {
    findings: [finding.id],
    title: `A secret is in ${place}`.slice(0, 300),
    steps: [
      `Revoke or rotate it where it was issued (${finding.data?.kind ?? 'secret'}): whoever ever had a copy of this repository has it.`,
      `Take it out of ${place} and read it from the environment or a secret store instead.`,
      REMOVE_FROM_HISTORY,
      'If it is not a secret, change it so that it cannot be taken for one.',
    ],
  };
}

function rotateEnvironment(finding: Finding, repaired: ReadonlySet<string>): ManualStep {
  const place = `${finding.file}:${finding.line ?? 1}`;
  const take = repaired.has(finding.id)
    ? `Before you merge, keep your own copy of ${finding.file}: the merge removes it from your folder.`
    : `Decide whether ${finding.file} is to be tracked; if not, run: git rm --cached -- ${JSON.stringify(finding.file)}`;
  return {
    findings: [finding.id],
    title: `${finding.file} holds a value that looks like a secret (line ${finding.line ?? 1})`.slice(0, 300),
    steps: [`Rotate what ${place} holds where it was issued.`, take, REMOVE_FROM_HISTORY],
  };
}

function lookAtSamples(findings: readonly Finding[]): ManualStep {
  const places = findings.slice(0, 10).map((finding) => `${finding.file}:${finding.line ?? 1}`);
  const more = findings.length > places.length ? ` and ${findings.length - places.length} more` : '';
  return {
    findings: findings.map((finding) => finding.id),
    title: `${findings.length} ${findings.length === 1 ? 'value' : 'values'} in tests, examples or documentation look like secrets`,
    steps: [`Make sure that none of them is real: ${places.join(', ')}${more}.`.slice(0, 2_000)],
  };
}

function moveLarge(finding: Finding): ManualStep {
  return {
    findings: [finding.id],
    title: `${finding.file} is ${((finding.data?.bytes ?? 0) / 1_000_000).toFixed(1)} MB`.slice(0, 300),
    steps: [
      `If it has to be versioned: git lfs migrate import --include=${JSON.stringify(finding.file)} (rewrites history).`,
      'If it can be made or downloaded: remove it, ignore it, and say in the README how to get it.',
      'It stays in the history until that is rewritten (git filter-repo).',
    ],
  };
}

function settleIgnored(finding: Finding): ManualStep {
  const paths = finding.data?.paths ?? [];
  const first = paths[0] ?? '';
  return {
    findings: [finding.id],
    title:
      `${finding.file}:${finding.line ?? 1} ignores ${finding.data?.count ?? paths.length} tracked ${paths.length === 1 ? 'file' : 'files'}`.slice(
        0,
        300,
      ),
    steps: [
      `If they belong here, add a line that says so, for instance: !${first}`.slice(0, 2_000),
      `If not: git rm --cached -- ${paths
        .slice(0, 5)
        .map((path) => JSON.stringify(path))
        .join(' ')}${paths.length > 5 ? ' …' : ''}`.slice(0, 2_000),
    ],
  };
}
