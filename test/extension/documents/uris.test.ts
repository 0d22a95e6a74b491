import assert from 'node:assert/strict';
import { formatUri, parseUri, type DocumentRef } from '../../../extension/documents/uris.ts';
import { writeApprovalPage } from '../../../extension/documents/repairText.ts';
import { quoteMarkdown } from '../../../extension/views/words.ts';
import { formatRef, parseRef, type Ref } from '../../../extension/refs.ts';
import type { Approval } from '../../../shared/state/approval.ts';
import { READER } from '../reader.ts';

describe('addresses', () => {
  const documents: DocumentRef[] = [
    { kind: 'artifact', digest: 'a'.repeat(64), name: 'report.md' },
    { kind: 'file', run: '0193', revision: 'b'.repeat(40), path: 'src/a b&c?d#e.ts' },
    { kind: 'log', attempt: '0194', name: 'test-1.log' },
    { kind: 'approval', approval: '0195', name: 'untrack-dist.md' },
  ];
  for (const ref of documents) it(`of a document is read as written: ${ref.kind}`, () => assert.deepEqual(parseUri(formatUri(ref)), ref));

  it('of another scheme or kind is none of ours', () => {
    assert.equal(parseUri({ scheme: 'file', authority: 'log', path: '/a', query: '' }), undefined);
    assert.equal(parseUri({ scheme: 'signalbox', authority: 'etc', path: '/passwd', query: '' }), undefined);
  });

  const refs: Ref[] = [
    { kind: 'run', run: '0193-a' },
    { kind: 'stage', run: '0193', stage: 'scan' },
    { kind: 'attempt', attempt: 'x' },
    { kind: 'approval', approval: 'y' },
    { kind: 'agent', agent: 'data-plane' },
  ];
  for (const ref of refs) it(`of a row is read as written: ${ref.kind}`, () => assert.deepEqual(parseRef(formatRef(ref)), ref));
  for (const text of [undefined, 7, '', 'run:', 'run:a/b', 'stage:a', 'rum:a', 'run:../x', 'run:a b', `run:${'a'.repeat(101)}`]) {
    it(`is none: ${JSON.stringify(text)}`, () => assert.equal(parseRef(text), undefined));
  }
});

describe('the page of an approval', () => {
  const approval: Approval = {
    ...{
      id: 'a',
      key: 'k',
      kind: 'agent.edit',
      summary: 'Stop <b>tracking</b> [x](command:y)',
      risk: 'low',
      digest: 'd',
      why: ['*Because*'],
      show: {},
      status: 'pending',
    },
    ...{ requestedAt: '2026-01-02T03:04:00.000Z', expiresAt: '2026-01-02T04:04:00.000Z' },
  };

  it('shows foreign text and lets none of it be markup', () => {
    const page = writeApprovalPage(approval, 'Check-up', undefined, READER);
    assert.doesNotMatch(page, /<b>|\]\(command/);
    assert.match(page, /^# Stop \\<b\\>tracking/);
    assert.equal(quoteMarkdown('a_b'), 'a\\_b');
  });

  it('says what changes and how it is undone', () => {
    const operations = [
      { op: 'append_lines' as const, path: '.gitignore', lines: ['```', 'dist/'] },
      { op: 'untrack' as const, path: 'dist', folder: true },
    ];
    const repair = {
      id: 'k',
      title: 't',
      findings: ['f'],
      risk: 'low' as const,
      needs: [],
      operations,
      changes: 'It is gone.',
      undo: 'Revert it.',
      paths: ['dist'],
    };
    const page = writeApprovalPage(approval, 'Check-up', repair, READER);
    assert.match(page, /It is gone\\\./);
    assert.match(page, /````\n```\ndist\/\n````/);
    assert.match(page, /Take the folder dist out of the branch/);
    assert.match(page, /Revert it\\\./);
  });
});
