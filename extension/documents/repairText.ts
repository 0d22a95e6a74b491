// What an approval is about as a page to read, when it is not a diff. Pure.
import type { Operation, Repair } from '../../shared/artifacts/plan.ts';
import type { Approval } from '../../shared/state/approval.ts';
import { quoteMarkdown, sayTime, type Reader } from '../views/words.ts';

function fence(lines: readonly string[]): string {
  const longest = Math.max(2, ...lines.flatMap((line) => [...line.matchAll(/`+/g)].map((match) => match[0].length)));
  const mark = '`'.repeat(longest + 1);
  return `${mark}\n${lines.join('\n')}\n${mark}`;
}

/** The page of an approval; with the repair of its plan: every operation, what is different afterwards, and how to take it back. */
export function writeApprovalPage(approval: Approval, asker: string, repair: Repair | undefined, reader: Reader): string {
  const { t } = reader;
  const parts = [`# ${quoteMarkdown(approval.summary)}`];
  if (approval.why.length > 0) parts.push(`## ${t('Why you are asked')}`, approval.why.map((why) => `- ${quoteMarkdown(why)}`).join('\n'));
  if (repair) {
    parts.push(
      `## ${t('What changes')}`,
      quoteMarkdown(repair.changes),
      repair.operations.map((operation) => writeOperation(operation, reader)).join('\n\n'),
    );
    parts.push(`## ${t('How to take it back')}`, quoteMarkdown(repair.undo));
  }
  parts.push(
    `## ${t('The question')}`,
    [
      `- ${t('Asked by')}: ${quoteMarkdown(asker)}`,
      `- ${t('Kind')}: \`${approval.kind}\``,
      `- ${t('Risk')}: ${approval.risk}`,
      `- ${t('Since')}: ${quoteMarkdown(sayTime(approval.requestedAt, reader))}`,
      `- ${t('Denied without an answer at')}: ${quoteMarkdown(sayTime(approval.expiresAt, reader))}`,
      `- ${t('Bound to')}: \`${approval.digest}\``,
    ].join('\n'),
  );
  const said = (approval.comments ?? []).map(({ by, text }) => `- ${quoteMarkdown(by)}: ${quoteMarkdown(text)}`);
  if (said.length > 0) parts.push(`## ${t('What was said about it')}`, said.join('\n'));
  return `${parts.join('\n\n')}\n`;
}

function writeOperation(operation: Operation, { t }: Reader): string {
  const path = quoteMarkdown(operation.path);
  switch (operation.op) {
    case 'append_lines':
      return `${t('Add to the end of {0}:', path)}\n\n${fence(operation.lines)}`;
    case 'create_file':
      return `${t('Create {0}:', path)}\n\n${fence(operation.lines)}`;
    case 'untrack':
      return operation.folder ? t('Take the folder {0} out of the branch.', path) : t('Take the file {0} out of the branch.', path);
    default:
      return operation satisfies never;
  }
}
