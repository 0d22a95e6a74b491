// Listens to the pipes of an agent, line by line, and leads an agent to the scripted model.
import type { Profile } from '../../daemon/agents/acp/profiles.ts';
import { spawnTagged, type SpawnRequest, type TaggedProcess } from '../../daemon/platform/process.ts';

/** Lines of both directions in their order: `<` from the agent, `>` to it. */
export type Recording = { from: '<' | '>'; line: string }[];

/** Starts processes as ever, and writes down what goes through their pipes. */
export function recordPipes(recording: Recording): (request: SpawnRequest) => Promise<TaggedProcess> {
  return async (request) => {
    const started = await spawnTagged(request);
    const { stdin, stdout } = started.child;
    let rest = '';
    stdout?.on('data', (chunk: Buffer) => {
      const lines = (rest + chunk.toString('utf8')).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) if (line.trim() !== '') recording.push({ from: '<', line });
    });
    if (stdin) {
      const write = stdin.write.bind(stdin) as (...args: unknown[]) => boolean;
      stdin.write = ((chunk: unknown, ...rest: unknown[]) => {
        recording.push({ from: '>', line: String(chunk).trimEnd() });
        return write(chunk, ...rest);
      }) as typeof stdin.write;
    }
    return started;
  };
}

/** The profile with the scripted model at `url`, and with nothing of the person's. */
export function ledTo(profile: Profile, url: string): Profile {
  const lead = (texts: Record<string, string> = {}): Record<string, string> =>
    Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, text.replaceAll('{stub}', url)]));
  const { canary } = profile;
  return {
    ...profile,
    env: { ...profile.env, ...lead(canary?.env) },
    files: { ...profile.files, ...lead(canary?.files) },
    pass: [],
    login: [],
  };
}
