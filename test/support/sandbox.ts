// A sandbox for tests, where this machine has one: the bridge is bundled here, so that no build has to come before.
import esbuild from 'esbuild';
import { join } from 'node:path';
import { inspectMachine, type Machine } from '../../daemon/platform/sandbox/machine.ts';
import { createSandbox, type Sandbox } from '../../daemon/platform/sandbox/sandbox.ts';
import { tempFolder } from './repos.ts';

/** The sandbox of this machine, or undefined, said aloud, where bubblewrap does not work. */
export async function openSandbox(hidden: readonly string[] = []): Promise<{ sandbox: Sandbox; machine: Machine } | undefined> {
  const machine = await inspectMachine('auto');
  if (machine.bwrap === undefined) {
    console.log(`    (no sandbox on this machine: ${machine.enforcement.why} What needs one is skipped.)`);
    return undefined;
  }
  const bridgePath = join(tempFolder('bridge'), 'bridge.cjs');
  const entry = new URL('../../daemon/platform/sandbox/bridge.ts', import.meta.url).pathname;
  await esbuild.build({ entryPoints: [entry], outfile: bridgePath, bundle: true, platform: 'node', format: 'cjs', target: 'node20' });
  return { machine, sandbox: createSandbox({ machine, bridgePath, hidden, personHome: '/nonexistent', readable: [] }) };
}
