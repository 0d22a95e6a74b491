// HFS+ ignores these code points in names, so `.g\u200cit` is `.git` there.
const IGNORED_BY_HFS = /[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]/g;

/** Whether a name is `.git` on any file system that the worktree may lie on. */
export function isGitName(name: string): boolean {
  const plain = name.replace(IGNORED_BY_HFS, '').toLowerCase();
  // NTFS drops dots and blanks at the end, and everything behind a colon; `git~1` is its short name.
  return /^(?:\.git|git~[0-9]+)(?:[. ]*$|[. ]*:)/.test(plain);
}

/** Whether a repository path stays inside the worktree and outside `.git`, by its text alone. */
export function isSafePath(path: string): boolean {
  if (path === '' || path.length > 4_096 || path.startsWith('/') || path.includes('\0')) return false;
  // A backslash and a drive letter mean something only where they separate.
  if (process.platform === 'win32' && /[\\:]/.test(path)) return false;
  return path.split('/').every((part) => part !== '' && part !== '.' && part !== '..' && !isGitName(part));
}
