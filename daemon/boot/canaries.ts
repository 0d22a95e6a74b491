/** Runs the canary of an agent, one at a time, and keeps what it saw last. */
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { SignalboxError } from '../../shared/protocol/errors.ts';
import type { CanaryReport } from '../../shared/protocol/views.ts';
import type { Adapter } from '../agents/agent.ts';
import { CanaryFailed, runCanary } from '../agents/acp/canary/run.ts';
import type { Profile } from '../agents/acp/profiles.ts';
import { writeFileAtomic } from '../platform/atomic.ts';

export interface Canaries {
  run(profile: Profile): Promise<CanaryReport>;
  last(agent: string): Promise<CanaryReport | undefined>;
}

const Report = z.object({
  agent: z.string(),
  version: z.string(),
  at: z.string(),
  enforcement: z.object({ level: z.enum(['enforced', 'advisory']), why: z.string() }),
  rows: z.array(
    z.object({
      decoy: z.string(),
      what: z.string(),
      result: z.enum(['decided', 'sandboxed', 'refused', 'unseen', 'not tried']),
      detail: z.string(),
    }),
  ),
});

interface Parts {
  folder: string;
  endpoint: string;
  adapterFor(profile: Profile): Adapter;
}

/** Keeps one report for each agent in a folder. */
export function keepCanaries({ folder, endpoint, adapterFor }: Parts): Canaries {
  let running = false;
  const fileOf = (agent: string): string => join(folder, `${agent}.json`);
  return {
    async run(profile) {
      if (running) throw new SignalboxError({ code: 'too_many', message: 'Another canary runs already. Wait for it.' });
      if (!profile.canary) {
        const message = `The profile of ${profile.title} does not say how it is led to another model (\`canary\`).`;
        throw new SignalboxError({ code: 'invalid_params', message, facts: { agent: profile.agent } });
      }
      running = true;
      try {
        const report = await runCanary({ profile, canary: profile.canary, adapterFor, endpoint, now: () => new Date().toISOString() });
        await mkdir(folder, { recursive: true, mode: 0o700 });
        await writeFileAtomic(fileOf(profile.agent), JSON.stringify(report));
        return report;
      } catch (error) {
        if (!(error instanceof CanaryFailed)) throw error;
        const message = `${profile.title} could not be led through the decoys. ${error.message}`;
        throw new SignalboxError({ code: 'invalid_transition', message, facts: { agent: profile.agent } });
      } finally {
        running = false;
      }
    },
    async last(agent) {
      const text = await readFile(fileOf(agent), 'utf8').catch(() => undefined);
      return text === undefined ? undefined : Report.safeParse(JSON.parse(text)).data;
    },
  };
}
