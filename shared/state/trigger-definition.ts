// What starts a workflow without a person, with all defaults filled in. Pure data; files, lines and columns belong to the loader.
import * as z from 'zod';
import { Milliseconds } from './flow.ts';

/** What becomes of a firing while a run of the same trigger has not ended. */
export const Overlap = z.enum(['skip', 'queue', 'allow']);
export type Overlap = z.infer<typeof Overlap>;

/** Where a secret is found; the secret itself stands in no file that is shared, and in no record. */
export const SecretReference = z.union([
  /** A variable of the daemon's environment. */
  z.strictObject({ env: z.string() }),
  /** A file of the folder `secrets` in the user's configuration folder. */
  z.strictObject({ file: z.string() }),
]);
export type SecretReference = z.infer<typeof SecretReference>;

const common = {
  /** Unique within the workflow. */
  id: z.string(),
  /** It fires only when this condition (CEL over `trigger`) holds. */
  when: z.string().optional(),
  /** Inputs of the run; texts may hold `{trigger.x.y}`. */
  inputs: z.record(z.string(), z.json()),
  overlap: Overlap,
};

/** One trigger of a workflow; times in milliseconds. */
export const TriggerDefinition = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('cron'),
    ...common,
    /** Five fields. */
    cron: z.string(),
    /** IANA name of the time zone that it is read in. */
    zone: z.string(),
    /** What becomes of the times that passed while the daemon did not run. */
    missed: z.enum(['skip', 'once', 'all']),
  }),
  z.strictObject({
    kind: z.literal('files'),
    ...common,
    /** Globs of paths relative to the repository. */
    include: z.array(z.string()).min(1),
    ignore: z.array(z.string()),
    /** A batch is whole when nothing has changed for so long. */
    settleMs: Milliseconds,
  }),
  z.strictObject({
    kind: z.literal('webhook'),
    ...common,
    secret: SecretReference,
    /** How deliveries are signed: as GitHub does, or as Standard Webhooks says. */
    signature: z.enum(['github', 'standard']),
  }),
  z.strictObject({
    kind: z.literal('folder'),
    ...common,
    /** Relative to the repository's main checkout, or absolute. */
    folder: z.string(),
    everyMs: Milliseconds,
  }),
  z.strictObject({
    kind: z.literal('command'),
    ...common,
    /** Prints a list of JSON objects, each with an `id`. */
    command: z.array(z.string()).min(1),
    everyMs: Milliseconds,
    timeoutMs: Milliseconds,
    /** Run when the run of an item has ended; `{item}` is its id, `{outcome}` is `success`, `failure` or `canceled`. */
    acknowledge: z.array(z.string()).min(1).optional(),
    /** Variables that hold secrets. */
    env: z.record(z.string(), SecretReference),
  }),
  z.strictObject({
    kind: z.literal('event'),
    ...common,
    /** Types of events of the record. */
    types: z.array(z.string()).min(1),
  }),
]);
export type TriggerDefinition = z.infer<typeof TriggerDefinition>;
export type TriggerKind = TriggerDefinition['kind'];

/** Whether whoever the firings came from is told when their runs have ended. */
export function acknowledges(definition: TriggerDefinition): boolean {
  return definition.kind === 'folder' || (definition.kind === 'command' && definition.acknowledge !== undefined);
}
