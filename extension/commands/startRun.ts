import * as vscode from 'vscode';
import { uuidv7 } from 'uuidv7';
import { SignalboxError } from '../../shared/protocol/errors.ts';
import type { ParamsOf } from '../../shared/protocol/methods.ts';
import { readBranches } from '../connection/repositories.ts';
import type { Services } from '../services.ts';
import { pick } from './pick.ts';

type Start = Omit<ParamsOf<'run/start'>, 'id'>;

/** What an input box's text means: a number, truth value or list where it is written as one, else the text. */
function readValue(text: string): unknown {
  if (!/^(?:-?\d+(?:\.\d+)?|true|false|\[.*\])$/s.test(text.trim())) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Starts a run and shows the runs; asks before a second one of the same kind starts, and for inputs that are missing. */
export async function startRun(services: Services, start: Start): Promise<string | undefined> {
  const client = await services.client();
  const id = uuidv7();
  let params: ParamsOf<'run/start'> = { ...start, id };
  for (;;) {
    try {
      const { run, notices } = await client.call('run/start', params);
      await vscode.commands.executeCommand('signalbox.runs.focus');
      if (notices.length > 0) void vscode.window.showInformationMessage(notices.join(' ').replaceAll('](', '] ('));
      return run;
    } catch (error) {
      const next = error instanceof SignalboxError ? await mend(error, params) : undefined;
      if (next === undefined) throw error;
      if (next === 'never mind') return undefined;
      params = next;
    }
  }
}

/** What to try instead of what was refused: undefined when nothing would help. */
async function mend(error: SignalboxError, params: ParamsOf<'run/start'>): Promise<ParamsOf<'run/start'> | 'never mind' | undefined> {
  if (error.code === 'run_active') {
    const another = vscode.l10n.t('Start Another');
    const chosen = await vscode.window.showWarningMessage(error.message, another);
    return chosen === another ? { ...params, again: true } : 'never mind';
  }
  const input = error.facts['input'];
  if (error.code !== 'invalid_params' || typeof input !== 'string') return undefined;
  const text = await vscode.window.showInputBox({ title: vscode.l10n.t('Input {0}', input), prompt: error.message, ignoreFocusOut: true });
  if (text === undefined) return 'never mind';
  // The same text as a value of another type, when it was refused as the first.
  const value = readValue(text);
  const refused = params.inputs?.[input];
  return { ...params, inputs: { ...params.inputs, [input]: (JSON.stringify(refused) === JSON.stringify(value) ? text : value) as never } };
}

type Target = { readonly into?: string };

/** Which branch a run is to merge into: the current one first; `{}` leaves the work on its own branch. Undefined: never mind. */
export async function pickTarget(repo: string, title?: string): Promise<Target | undefined> {
  const { t } = vscode.l10n;
  const { current, all } = await readBranches(repo);
  const preset = title !== undefined ? 'ask' : vscode.workspace.getConfiguration('signalbox').get<string>('checkup.target', 'ask');
  if (preset === 'ownBranch') return {};
  if (preset === 'currentBranch' && current !== undefined) return { into: current };
  const others = all.filter((branch) => branch !== current);
  return pick<Target>(title ?? t('Where may the repairs go, after you approved the merge?'), [
    ...(current === undefined
      ? []
      : [{ label: `$(git-branch) ${current}`, description: t('the current branch'), value: { into: current } }]),
    { label: `$(git-commit) ${t('Leave on its Own Branch')}`, description: t('nothing is merged'), value: {} },
    ...others.map((branch) => ({ label: `$(git-branch) ${branch}`, value: { into: branch } })),
  ]);
}
