// Hosts that a command's arguments name. An empty one stands for a host that is only known when the command runs.
import type { Word } from './command.ts';

/** Programs whose operands are addresses also without a scheme, and their options with a value. */
const ADDRESSED: Readonly<Record<string, RegExp>> = {
  curl: /^(-[a-zA-Z]*[oHdXuAbceFTmrKwDEyYCzPtQU]|--(output|header|data|data-raw|data-binary|data-urlencode|json|request|user|user-agent|cookie|cookie-jar|referer|cert|key|cacert|form|upload-file|max-time|connect-timeout|retry|retry-delay|range|config|write-out|dump-header|limit-rate|interface|resolve|output-dir|max-redirs|oauth2-bearer|proto|ciphers))$/,
  wget: /^(-[a-zA-Z]*[oOaePUtTwQSABDIXlHi]|--(output-document|output-file|append-output|directory-prefix|header|user-agent|tries|timeout|wait|user|password|post-data|post-file|method|body-data|input-file|level|accept|reject))$/,
  http: /^(--(auth|output|verify|timeout|session|style|print|pretty|cert|auth-type)|-[aopAsx])$/,
  https: /^(--(auth|output|verify|timeout|session|style|print|pretty|cert|auth-type)|-[aopAsx])$/,
  xh: /^(--(auth|output|timeout|session)|-[aopA])$/,
  ping: /^-[cisWwtIMQmlp]$/,
  nc: /^-[pswXxTIiqmMOeco]$/,
  ncat: /^-[pswXxTIiqmMOeco]$/,
  telnet: /^-[lbneX]$/,
  ftp: /^-$/,
  dig: /^-[bfkpqtxyc]$/,
  nslookup: /^-$/,
  host: /^-[cNRtWmD]$/,
};
/** Programs whose operands may be `host:path`. */
const REMOTES = /^(git|scp|rsync|sftp|rclone|hg|svn|croc)$/;
/** Subcommands of git that reach a remote which the line may name. */
const GIT_REMOTE = /^(clone|fetch|pull|push|ls-remote|remote add|remote set-url|submodule add|archive|subtree)$/;

/** Options of these with a value, which is no remote. */
const GIT_VALUED =
  /^(-[ojbcu]|--(push-option|repo|jobs|depth|deepen|branch|origin|reference|upload-pack|receive-pack|exec|config|template|shallow-since|filter|server-option))$/;

/** Whether the option of a network program takes the next word as its value. */
export function takesValue(program: string, option: string): boolean {
  return Object.hasOwn(ADDRESSED, program) && ADDRESSED[program]?.test(option) === true;
}

/** The hosts, lower-case, each once, in order. */
export function readHosts(program: string, subcommand: string, args: readonly Word[]): string[] {
  const hosts = new Set<string>();
  const bare = Object.hasOwn(ADDRESSED, program) ? ADDRESSED[program] : undefined;
  const remote = REMOTES.test(program) && (program !== 'git' || GIT_REMOTE.test(subcommand));
  const refspecs = program === 'git' && /^(push|fetch|pull)$/.test(subcommand) ? behindRemote(args, subcommand) : args.length;
  args.forEach((arg, index) => {
    for (const host of findUrls(arg)) hosts.add(host);
    const valueOf = index > 0 && takesValue(program, args[index - 1]?.text ?? '');
    if (bare && !valueOf && isAddress(program, arg.text, index)) hosts.add(arg.known ? hostOfBare(arg.text) : '');
    if (remote && index <= refspecs && !arg.text.startsWith('-')) for (const host of findRemote(arg)) hosts.add(host);
    // Addresses that a file holds.
    if (
      program === 'curl'
        ? /^(-[a-zA-Z]*K.*|--config(=.*)?)$/.test(arg.text)
        : program === 'wget' && /^(-[a-zA-Z]*i.*|--input-file(=.*)?)$/.test(arg.text)
    )
      hosts.add('');
  });
  // An address that a network program gets only when it runs.
  if (remote && program === 'git' && args.slice(1).some((arg) => !arg.known && !arg.text.includes('://') && arg.prefix === ''))
    hosts.add('');
  return [...hosts];
}

/** Whether a word of a network program is an address; what stands behind the host may be something else. */
function isAddress(program: string, text: string, index: number): boolean {
  if (text.startsWith('-') || text.includes('://')) return false;
  if (/^(nc|ncat|telnet)$/.test(program)) return !/^[./]/.test(text) && (index === 0 || !/^[\d-]+$/.test(text));
  // `http POST host a=b header:c`.
  if (/^(http|https|xh)$/.test(program)) return !/^[A-Z]+$|[=@]|:(?![\d/])/.test(text);
  return true;
}

function hostOfBare(text: string): string {
  // `http:/host` and `//host` mean different things to different programs.
  return /^[a-z][a-z0-9+.-]*:[/\\]|^[./]/i.test(text) ? '' : hostOf(`http://${text}`);
}

/** Index of the remote of `git push`: what stands behind it are refspecs, whose colons mean something else. */
function behindRemote(args: readonly Word[], subcommand: string): number {
  const from = args.map(({ text }) => text).lastIndexOf(subcommand) + 1;
  const at = args.findIndex(({ text }, index) => index >= from && !text.startsWith('-') && !GIT_VALUED.test(args[index - 1]?.text ?? ''));
  return at < 0 ? args.length : at;
}

function findUrls(arg: Word): string[] {
  const found = [...arg.text.matchAll(/\b[a-z][a-z0-9+.-]{1,20}:[/\\]{2,}[^\s'"<>]*/gi)];
  return found.flatMap((match) => {
    const [url] = match;
    if (/^file:/i.test(url)) return [];
    // What is unknown may stand in the host, or end it.
    const certain = arg.known || arg.prefix.length > match.index + authorityEnd(url);
    return [certain ? hostOf(url) : ''];
  });
}

/** Length of a URL up to where its host has certainly ended. */
function authorityEnd(url: string): number {
  const start = url.indexOf('//') + 2;
  const end = url.slice(start).search(/[/?#]/);
  return end < 0 ? url.length : start + end;
}

/** The host of a URL; empty where programs disagree about it. */
function hostOf(text: string): string {
  const authority = text.slice(0, authorityEnd(text));
  if (/[\\\s{}]|\[(?![0-9a-f:.]+\])/i.test(text.slice(0, authority.length + 1)) || authority.split('@').length > 2) return '';
  try {
    return new URL(text.replace(/^[a-z][a-z0-9+.-]*:/i, 'http:')).hostname.toLowerCase().replace(/\.$/, '');
  } catch {
    return '';
  }
}

/** `user@host:path` and `host:path`, as git, scp and rsync read them; no Windows drive, no option. */
function findRemote(arg: Word): string[] {
  if (arg.text.includes('://')) return [];
  const match = /^(?:[^@/:\s]+@)?(\[[^\]]+\]|[^/:@\s]{2,}):(?!:)/.exec(arg.text);
  if (!match) return [];
  const host = (match[1] ?? '').replace(/^\[|\]$/g, '');
  // A refspec has a colon as well; a host of one word without a dot may be a name in ssh's configuration.
  if (!/^[a-z0-9._:-]+$/i.test(host)) return arg.known ? [] : [''];
  return [host.toLowerCase()];
}
