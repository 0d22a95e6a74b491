import * as z from 'zod';

/** Path inside a repository: relative, forward slashes, never out of it. */
export const RepositoryPath = z
  .string()
  .min(1)
  .max(4_096)
  .refine((path) => !path.startsWith('/') && !path.split('/').some((part) => part === '..' || part === '.' || part === ''), {
    error: 'must be a relative path inside the repository, with forward slashes',
  });

export const Severity = z.enum(['info', 'low', 'medium', 'high']);
export type Severity = z.infer<typeof Severity>;

/** What the scan looks for; `tracked-*` are files that git follows and should not. */
export const FindingRule = z.enum([
  'tracked-dependencies',
  'tracked-build-output',
  'tracked-cache',
  'tracked-coverage',
  'tracked-environment',
  'tracked-log',
  'tracked-editor-file',
  'tracked-system-file',
  'tracked-ignored',
  'large-file',
  'missing-ignore-entry',
  'secret',
]);
export type FindingRule = z.infer<typeof FindingRule>;

export const Finding = z.object({
  /** Same rule in the same place gives the same id at every commit. */
  id: z.string().regex(/^[a-z-]+-[0-9a-f]{12}$/),
  rule: FindingRule,
  severity: Severity,
  /** The file, or the folder that holds them all, or `.` for the root. */
  file: RepositoryPath.or(z.literal('.')),
  line: z.int().min(1).optional(),
  column: z.int().min(1).optional(),
  /** One sentence; never the secret itself. */
  message: z.string().max(2_000),
  data: z
    .object({
      /** How many tracked files this finding stands for. */
      count: z.int().min(1),
      bytes: z.int().min(0),
      /** True when `file` is a folder and everything below it is meant. */
      folder: z.boolean(),
      /** The files that are meant when it is not a whole folder; bounded, see `truncated` of the document. */
      paths: z.array(RepositoryPath).max(5_000),
      /** The line that .gitignore lacks. */
      entry: z.string().max(4_200),
      /** Rules of the tracked files that the missing line would have kept out. */
      keepsOut: z.array(FindingRule).max(20),
      /** Name of the kind of secret. */
      kind: z.string().max(200),
      /** True below folders of tests, fixtures, examples or documentation, where such things are often on purpose. */
      sample: z.boolean(),
    })
    .partial()
    .optional(),
});
export type Finding = z.infer<typeof Finding>;

export const TestCommand = z.object({
  argv: z.array(z.string().max(1_000)).min(1).max(20),
  /** Where the repository says so. */
  source: z.object({ file: RepositoryPath, line: z.int().min(1) }),
});
export type TestCommand = z.infer<typeof TestCommand>;

export const Project = z.object({
  /** Ecosystems, the one nearest to the root first: `node`, `python`, `rust` and so on. */
  types: z.array(z.string().max(40)).max(50),
  packageManagers: z.array(z.string().max(40)).max(50),
  ci: z.array(z.string().max(40)).max(50),
  testCommand: TestCommand.optional(),
  /** Whether there is a .gitignore at the root. */
  ignoreFile: z.boolean(),
  /** Tracked files, and the sum of their sizes in bytes. */
  files: z.int().min(0),
  bytes: z.int().min(0),
});
export type Project = z.infer<typeof Project>;

/** What a scan of one commit found: `findings.json`. */
export const Findings = z.object({
  version: z.literal(1),
  commit: z.string().regex(/^[0-9a-f]{40}([0-9a-f]{24})?$/),
  project: Project,
  findings: z.array(Finding).max(2_000),
  /** What was not looked at, and why. */
  notes: z.array(z.string().max(2_000)).max(200),
  /** True when there was more than the document can hold. */
  truncated: z.boolean().optional(),
});
export type Findings = z.infer<typeof Findings>;
