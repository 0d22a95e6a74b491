import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chooseRepo, chooseWorkflow, parseInputs } from '../../../daemon/cli/workflow-choice.ts';

describe('what the user names', () => {
  let folder = '';
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'signalbox-choice-'));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  it('is a name, unless it looks like a path', async () => {
    await writeFile(join(folder, 'a.yaml'), 'workflow: a\n');
    assert.deepEqual(await chooseWorkflow('checkup', folder), { name: 'checkup' });
    assert.deepEqual(await chooseWorkflow('a.yaml', folder), { file: join(folder, 'a.yaml'), text: 'workflow: a\n' });
    assert.deepEqual(await chooseWorkflow('./a.yaml', folder), { file: join(folder, 'a.yaml'), text: 'workflow: a\n' });
  });

  it('is refused as wrong use when it is no file, a folder, or too large', async () => {
    await mkdir(join(folder, 'd.yaml'));
    await writeFile(join(folder, 'large.yaml'), Buffer.alloc(256 * 1024 + 1));
    for (const given of ['nope.yaml', './d.yaml', 'large.yaml']) await assert.rejects(chooseWorkflow(given, folder), { exit: 2 });
  });

  it('runs in the current folder, but a file outside of any repository in none', async () => {
    const file = { file: '/x.yaml', text: '' };
    await mkdir(join(folder, 'repo', '.git'), { recursive: true });
    await mkdir(join(folder, 'repo', 'deep'), { recursive: true });
    assert.equal(chooseRepo(undefined, { name: 'checkup' }, folder), folder);
    assert.equal(chooseRepo(undefined, file, folder), undefined);
    assert.equal(chooseRepo(undefined, file, join(folder, 'repo', 'deep')), join(folder, 'repo', 'deep'));
    assert.equal(chooseRepo('x', file, folder), join(folder, 'x'));
  });

  it('gives inputs as text, or as JSON where it says so', () => {
    assert.deepEqual(parseInputs(['tag=v1', 'n:=4', 'list:=["a"]', 'empty=', 'eq=a=b', 'yes=true']), {
      tag: 'v1',
      n: 4,
      list: ['a'],
      empty: '',
      eq: 'a=b',
      yes: 'true',
    });
    for (const bad of ['tag', '=x', '1a=x', 'n:=nope']) assert.throws(() => parseInputs([bad]), { exit: 2 });
  });
});
