// find, fd, ssh and su: programs whose command stands somewhere among their own arguments.
import { words, type Word } from './command.ts';
import { opaquely, plainly, type Description, type Start } from './description.ts';
import { readOptions } from './options.ts';
import { giveIn, hidesOption, joinWords } from './unwrap.ts';

/** Tests and actions of find that take a value. */
const FIND_VALUED =
  /^-(name|iname|path|ipath|wholename|iwholename|regex|iregex|lname|ilname|type|xtype|newer\w*|[acm](time|min)|anewer|cnewer|size|perm|user|group|uid|gid|links|inum|samefile|maxdepth|mindepth|fstype|used|printf|regextype|context)$/;

/** find: what `-exec` and its kind start, for every file that it found. */
export function describeFind(args: readonly Word[]): Description {
  const found = plainly();
  for (let index = 0; index < args.length; index += 1) {
    const { text = '' } = args[index] ?? {};
    if (/^-(exec|execdir|ok|okdir)$/.test(text)) {
      const command = takeCommand(args, index + 1);
      found.starts.push({ words: command.map((word) => giveFile(word)), ...(text.endsWith('dir') ? { folder: '' } : {}) });
      index += command.length + 1;
    } else if (FIND_VALUED.test(text) && args[index + 1]?.splits === false) index += 1;
    else if (hidesOption(args.slice(index, index + 1))) found.opaque = true;
    else if (/^-(fprint0?|fprintf|fls|files0-from)$/.test(text)) found.inline = true;
  }
  if (found.starts.length > 0) found.inline = true;
  if (found.starts.some((start) => start.words?.length === 0)) found.opaque = true;
  return found;
}

/** What find puts in place of `{}` begins as the folder does in which it looks: never with a dash. */
function giveFile(word: Word): Word {
  const given = giveIn(word, '{}');
  return given.known || given.prefix !== '' ? given : { ...given, prefix: './' };
}

function takeCommand(args: readonly Word[], from: number): readonly Word[] {
  const end = args.findIndex(({ text }, index) => index >= from && (text === ';' || (text === '+' && args[index - 1]?.text === '{}')));
  return args.slice(from, end < 0 ? args.length : end);
}

/** fd: what `-x` and `-X` start. */
export function describeFd(args: readonly Word[]): Description {
  const at = args.findIndex(({ text }) => /^(-[A-Za-z]*[xX]|--exec(-batch)?)$/.test(text));
  const attached = args.some(({ text }) => /^(--exec(-batch)?=|-[A-Za-z]*[xX].)/.test(text));
  const found: Description = { ...plainly(), opaque: attached || hidesOption(args.slice(0, at < 0 ? args.length : at)) };
  if (at < 0) return { ...found, inline: attached };
  const command = takeCommand(args, at + 1).map((word) => giveFile(giveIn(word, '{')));
  return { ...found, inline: true, starts: [{ words: command }] };
}

const SSH = {
  valued: words('-B -b -c -D -E -e -F -I -i -J -L -l -m -O -o -P -p -Q -R -S -W -w'),
  plain: words('-4 -6 -A -a -C -f -G -g -K -k -M -N -n -q -s -T -t -V -v -X -x -Y -y'),
};
const SSH_HARMLESS =
  /^(StrictHostKeyChecking|UserKnownHostsFile|ConnectTimeout|ConnectionAttempts|BatchMode|LogLevel|Port|User|IdentitiesOnly|IdentityFile|ServerAlive\w+|TCPKeepAlive|Compression|PasswordAuthentication|PubkeyAuthentication|PreferredAuthentications|RequestTTY|ForwardAgent|AddressFamily|HostKeyAlgorithms|Ciphers|MACs|KexAlgorithms|NumberOfPasswordPrompts|ControlMaster|ControlPersist|ExitOnForwardFailure|CheckHostIP|UpdateHostKeys|SetEnv|SendEnv|Tunnel)[\s=]/i;

/** ssh: the command runs elsewhere; options that run something run it here. */
export function describeSsh(args: readonly Word[]): Description {
  const first = readOptions(args, SSH);
  const host = args[first.rest];
  const behind = host ? readOptions(args.slice(first.rest + 1), SSH) : undefined;
  const options = [...first.options, ...(behind?.options ?? [])];
  const found: Description = { ...plainly(), opaque: !first.sure || behind?.sure === false };
  for (const { name, value } of options) {
    if (name === '-F' || name === '-I' || (name === '-o' && !(value?.known === true && SSH_HARMLESS.test(value.text))))
      Object.assign(found, { inline: true, opaque: true });
    if (name === '-J') found.hosts.push(...(value?.text ?? '').split(',').map(bareHost));
  }
  if (host) found.hosts.push(host.known ? bareHost(host.text) : '');
  const command = host && behind ? args.slice(first.rest + 1 + behind.rest) : [];
  if (command.length > 0) Object.assign(found, { inline: true, starts: [{ code: joinWords(command), folder: '' }] });
  // Without a command a shell opens there, and reads what comes.
  else if (host && !options.some(({ name }) => /^-[NOQGVW]$/.test(name))) found.opaque = true;
  return found;
}

const bareHost = (text: string): string =>
  (
    text
      .replace(/^ssh:\/\//, '')
      .split('@')
      .at(-1) ?? ''
  )
    .replace(/:\d+$/, '')
    .toLowerCase();

/** su: `-c` carries code for the shell of another user; without it a shell opens. */
export function describeSu(args: readonly Word[]): Description {
  const starts: Start[] = [];
  args.forEach(({ text }, index) => {
    const attached = /^--(?:session-)?command=(.*)$/s.exec(text);
    const code = attached
      ? { ...(args[index] as Word), text: attached[1] ?? '' }
      : /^(-[a-z]*c|--(session-)?command)$/.test(text)
        ? args[index + 1]
        : undefined;
    if (code) starts.push({ code, folder: '' });
  });
  return starts.length === 0 ? opaquely() : { ...plainly(), inline: true, opaque: hidesOption(args), starts };
}
