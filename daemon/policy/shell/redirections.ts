// Where a command reads from and writes to.
import type { Redirection as SourceRedirection } from 'unbash';
import { fixedWord, type ParsedRedirection, type Reading, type Scope, type Stdin, type Word } from './command.ts';
import { joinParts, readWhole } from './words.ts';

/** The files among a command's redirections, and its standard input where one of them sets it. */
export function readRedirections(
  reading: Reading,
  sources: readonly SourceRedirection[],
  scope: Scope,
): { redirections: ParsedRedirection[]; stdin: Stdin | undefined } {
  const redirections: ParsedRedirection[] = [];
  let stdin: Stdin | undefined;
  for (const source of sources) {
    const feeds = source.descriptor === undefined || (source.descriptor.type === 'FileDescriptor' && source.descriptor.value === 0);
    const input = readInput(source);
    if (feeds && input) stdin = input;
    if (source.type !== 'Redirect' || source.target === undefined) continue;
    const file = readFile(source.operator, readWhole(source.target), reading.lost ? '' : scope.cwd);
    if (file) redirections.push(file);
  }
  return { redirections, stdin };
}

function readInput(source: SourceRedirection): Stdin | undefined {
  if (source.type === 'HereDoc') {
    // With `<<-` leading tabs are dropped, which changes nothing of what runs except within quotes.
    if (source.operator === '<<-' && /^\t/m.test(source.body.text)) return { code: stripTabs(source.body.parts, source.body.text) };
    return { code: source.body.parts === undefined ? fixedWord(source.body.text) : joinParts(source.body.parts) };
  }
  if (source.type === 'HereString') return source.target ? { code: readWhole(source.target) } : 'unknown';
  return source.operator === '<' || source.operator === '<>' || source.operator === '<&' ? 'unknown' : undefined;
}

function stripTabs(parts: Parameters<typeof joinParts>[0] | undefined, text: string): Word {
  const word = parts === undefined ? fixedWord(text) : joinParts(parts);
  const stripped = word.text.replace(/^\t+/gm, '');
  return { ...word, text: stripped, prefix: word.known ? stripped : '' };
}

function readFile(operator: string, target: Word, cwd: string): ParsedRedirection | undefined {
  // `2>&1` and `<&-` name descriptors, and a process substitution is no file.
  if ((operator === '>&' || operator === '<&') && (operator === '<&' || /^(\d+-?|-)$/.test(target.text))) return undefined;
  if (/^[<>]\(/.test(target.text) && !target.known) return undefined;
  const writes = operator !== '<' && !(target.known && isHarmlessDevice(target.text));
  return { operator, writes, target: target.text, known: target.known, cwd };
}

/** Devices that keep nothing. */
export function isHarmlessDevice(path: string): boolean {
  return /^\/dev\/(null|stdin|stdout|stderr|tty|zero|full|fd\/\d+)$/.test(path);
}
