import { findSecrets } from '../../../platform/redact.ts';
import { isSample } from './tree.ts';

/** Where a secret stands; `line` and `column` count from 1. */
export interface SecretPlace {
  kind: string;
  message: string;
  line: number;
  column: number;
  /** True for a made-up looking one: below tests, examples or documentation, or for this machine only. */
  sample: boolean;
}

const MAX_PER_FILE = 50;
const PLACEHOLDER =
  /^!?(?:pass(?:word|wd)?|pwd|secret|user(?:name)?|token|change[-_]?me|example|test|foo|bar|x{3,}|\.{3,}|\*+|your[-_]?\w*|my[-_]?(?:password|secret)|%s|%\w+%|\[.*|\$.*|<.*|\{.*)!?$/i;
const PROSE = /\.(?:md|mdx|markdown|rst|adoc|txt|html?|ipynb|example|sample|template|dist)$/i;
const LOCAL_HOST =
  /^(?:localhost|127\.|0\.0\.0\.0|\[::1\]|host\b|example\.|[\w-]+\.example\b|(?:db|database|postgres|mysql|redis|mongo|rabbitmq)$)/i;

/** Secrets of one file, bounded to 50; never any part of their values. */
export async function listSecrets(path: string, text: string): Promise<SecretPlace[]> {
  const found: SecretPlace[] = [];
  for (const { rule, message, line, column, range } of await findSecrets(path, text)) {
    if (found.length >= MAX_PER_FILE) break;
    const address = addressAround(text, range);
    if (address !== undefined && PLACEHOLDER.test(address.password)) continue;
    const local = address !== undefined && LOCAL_HOST.test(address.host);
    found.push({ kind: rule, message, line, column: column + 1, sample: local || isSample(path) || PROSE.test(path) });
  }
  return found;
}

/** Password and host of the address with credentials that a finding is, or stands in. */
function addressAround(text: string, [start, end]: readonly [number, number]): { password: string; host: string } | undefined {
  // The finding may be the whole address or only its password.
  const scheme = text.lastIndexOf('://', end);
  if (scheme < 0 || scheme < start - 300) return undefined;
  const match = /^:\/\/[^\s:/@]{0,200}:([^\s@/]{1,200})@([^\s/:?"'`]{0,200})/.exec(text.slice(scheme, scheme + 700));
  if (match === null || scheme + match[0].length < end - 200) return undefined;
  return { password: match[1] ?? '', host: match[2] ?? '' };
}

/** How an environment file stands: never to be tracked, tracked by some frameworks' own advice, or made to be shared. */
export function kindOfEnvironmentFile(name: string): 'private' | 'shared' | undefined {
  if (name === '.env' || /^\.env(?:\.[\w-]+)?\.local$/.test(name)) return 'private';
  const suffix = /^\.env\.([\w-]+)$/.exec(name)?.[1];
  if (
    name === '.envrc' ||
    (suffix !== undefined && !/^(?:ex(?:ample|mpl)?|samples?|templates?|tpl|dist|defaults?|test(?:ing)?|ci|schema|vault)$/i.test(suffix))
  )
    return 'shared';
  return undefined;
}

const SECRET_NAME = /(?:SECRET|TOKEN|PASSW|PASSPHRASE|PRIVATE|CREDENTIAL|API_?KEY|ACCESS_?KEY|_PWD$|_PASS$)/i;
const PLAIN_VALUE = /^(?:|true|false|null|none|\d{1,5}|.{1,5}|change.*|example.*|insert.*|replace.*|.*placeholder.*|!.*!)$/i;

/** Line, from 1, of the first variable of an environment file whose value looks like a secret; undefined when none does. */
export function findSecretVariable(text: string): number | undefined {
  const lines = text.split(/\r?\n/);
  for (const [index, line] of lines.entries()) {
    const match = /^\s*(?:export\s+)?([A-Za-z_]\w{0,200})\s*=\s*(.{0,2000})/.exec(line);
    if (match === null) continue;
    const value = (match[2] ?? '')
      .trim()
      .replace(/^(["'])(.*?)\1.*$/, '$2')
      .replace(/\s+#.*$/, '');
    if (SECRET_NAME.test(match[1] ?? '') && !PLAIN_VALUE.test(value) && !PLACEHOLDER.test(value)) return index + 1;
  }
  return undefined;
}
