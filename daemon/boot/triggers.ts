/** What listens for triggers outside of the record, put together from the rooms that know how. */
import { configurationRoot } from '../workspace/configuration.ts';
import { inspectRepo } from '../workspace/inspect.ts';
import { compileGlob } from '../policy/functions.ts';
import { openCommand } from '../triggers/command.ts';
import { watchFiles } from '../triggers/files.ts';
import { openFolder } from '../triggers/folder.ts';
import type { Ear, Listen, Listener } from '../triggers/listener.ts';
import { receiveDelivery, type HookParts } from '../triggers/hooks.ts';
import type { ReceiveHook } from '../rpc/hooks.ts';
import type { Triggers } from '../coordinator/triggers.ts';
import type { State } from '../../shared/state/evolve.ts';
import { pollSource } from '../triggers/poll.ts';
import { readSecret, type SecretSources } from '../triggers/secrets.ts';
import { createCommandRuns, type CommandParts } from './source-command.ts';
import { resolve } from 'node:path';
import type { RegisteredTrigger } from '../../shared/state/trigger.ts';

interface ListeningParts extends CommandParts {
  /** State and configuration folders. */
  hidden: readonly string[];
}

/** How each kind of trigger listens. */
export function createListening(parts: ListeningParts): Listen {
  const { hidden, secrets } = parts;
  const globs = new Map<string, (path: string) => boolean>();
  const matches = (path: string, pattern: string): boolean => {
    const compiled = globs.get(pattern) ?? compileGlob(pattern);
    globs.set(pattern, compiled);
    return compiled(path);
  };
  return (trigger, ear) => {
    const { definition } = trigger;
    switch (definition.kind) {
      case 'files':
        return openLater(ear, async () => watchFiles({ root: await rootOf(trigger), hidden, definition, matches }, ear));
      case 'webhook':
        // The secret is read at each delivery; this only says early that it is not there.
        return openLater(ear, async () => {
          const found = await readSecret(definition.secret, secrets);
          if (!found.ok) ear.problem(found.problem);
          return { close: () => undefined };
        });
      case 'folder':
        return openLater(ear, async () => {
          const within = trigger.repo === undefined ? undefined : await rootOf(trigger);
          const folder = resolve(within ?? '/', definition.folder);
          const source = openFolder({ folder, within: trigger.origin === 'repository' ? within : undefined });
          return pollSource(source, definition.everyMs, ear);
        });
      case 'command':
        return openLater(ear, async () => {
          const root = trigger.repo === undefined ? undefined : await rootOf(trigger);
          return pollSource(openCommand(definition, createCommandRuns(parts, trigger, root)), definition.everyMs, ear);
        });
      default:
        return undefined;
    }
  };
}

/** A listener that takes a while to open, and may be closed before. */
function openLater(ear: Ear, open: () => Promise<Listener>): Listener {
  let closed = false;
  const opening = open().catch((error: unknown): Listener => {
    ear.problem(error instanceof Error ? error.message : String(error));
    return { close: () => undefined };
  });
  void opening.then((listener) => {
    if (closed) listener.close();
  });
  return {
    close() {
      closed = true;
      void opening.then((listener) => listener.close());
    },
    look(trigger) {
      void opening.then((listener) => listener.look?.(trigger));
    },
  };
}

/** The main checkout of a trigger's repository, whose files people change. */
async function rootOf({ repo }: RegisteredTrigger): Promise<string> {
  const info = await inspectRepo(repo ?? '');
  const root = configurationRoot(info);
  if (root === undefined) throw new Error(`${repo} has no files of its own to watch.`);
  return root;
}

/** What takes the deliveries of webhooks for the triggers that there are. */
export function createHookReceiver({
  state,
  triggers,
  secrets,
}: {
  state: State;
  triggers: Triggers;
  secrets: SecretSources;
}): ReceiveHook {
  const parts: HookParts = {
    find: (id) => state.triggers.get(id),
    secretOf: ({ definition }) =>
      definition.kind === 'webhook'
        ? readSecret(definition.secret, secrets)
        : Promise.resolve({ ok: false, problem: 'It takes no deliveries.' }),
    hear: triggers.hear,
    problem: triggers.problem,
    now: Date.now,
  };
  return (name, delivery) => receiveDelivery(parts, name, delivery);
}
