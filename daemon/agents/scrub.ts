/** The environment of a process that is not ours to trust: no token, no key and no setting of the person's. */
export function scrubEnvironment(home: string, added: Readonly<Record<string, string>> = {}): Record<string, string> {
  const { PATH = '', LANG = 'C.UTF-8' } = process.env;
  const separator = process.platform === 'win32' ? ';' : ':';
  const absolute = process.platform === 'win32' ? /^[A-Za-z]:[\\/]|^\\\\/ : /^\//;
  const env: Record<string, string> = {
    // A relative entry would let a file of the repository stand in for a program.
    PATH: PATH.split(separator)
      .filter((entry) => absolute.test(entry))
      .join(separator),
    LANG,
    TERM: 'dumb',
    CI: '1',
    HOME: home,
    TMPDIR: home,
  };
  if (process.platform === 'win32') {
    for (const name of ['SystemRoot', 'ComSpec', 'PATHEXT']) env[name] = process.env[name] ?? '';
    Object.assign(env, { USERPROFILE: home, TEMP: home, TMP: home });
  }
  return { ...env, ...added };
}
