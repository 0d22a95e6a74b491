import type { Findings } from '../../../../shared/artifacts/findings.ts';
import type { Repairs } from '../../../../shared/artifacts/repairs.ts';
import type { Verification } from '../../../../shared/artifacts/verification.ts';

/** What changed between two scans, and which repairs were done although what they were for is still there. */
export function compareFindings(before: Findings, after: Findings, repairs: Repairs): Verification {
  const now = new Set(after.findings.map((finding) => finding.id));
  const then = new Set(before.findings.map((finding) => finding.id));
  const incomplete = repairs.results
    .flatMap((result) => (result.status === 'done' ? [{ repair: result.id, findings: result.findings.filter((id) => now.has(id)) }] : []))
    .filter(({ findings }) => findings.length > 0);
  const truncated = before.truncated === true || after.truncated === true;
  return {
    version: 1,
    before: before.commit,
    after: after.commit,
    gone: before.findings.filter((finding) => !now.has(finding.id)).map((finding) => finding.id),
    remaining: after.findings.filter((finding) => then.has(finding.id)),
    added: after.findings.filter((finding) => !then.has(finding.id)),
    incomplete,
    ...(truncated ? { truncated } : {}),
  };
}
