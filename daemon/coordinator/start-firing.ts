/** From a firing to its run: the repository as it is now, the workflow as it was registered. Everything is checked before anything is recorded. */
import { SignalboxError } from '../../shared/protocol/errors.ts';
import type { Firing, RegisteredTrigger } from '../../shared/state/trigger.ts';
import type { WorkflowDefinition } from '../../shared/state/workflow.ts';
import {
  applyRepositoryPolicies,
  checkInputs,
  describeRepository,
  isTrusted,
  openConfiguration,
  openRepository,
  type RunPorts,
} from './submit-run.ts';

/** Starts the run of a firing; said again, it changes nothing. Throws SignalboxError for every refusal. */
export async function startFiring(
  ports: RunPorts,
  { trigger, firing }: { trigger: RegisteredTrigger; firing: Firing },
  definition: WorkflowDefinition,
): Promise<void> {
  const { id, workflow, repo, into } = trigger;
  const info = repo === undefined ? undefined : await openRepository(ports, repo);
  const configuration = info && (await openConfiguration(ports, info));
  const trusted = info !== undefined && isTrusted(ports, info, configuration);
  if (trigger.origin === 'repository' && !trusted) {
    const message = `The .signalbox/ of ${repo} is not what somebody trusted, so its triggers start nothing. Look at it, then run \`signalbox trust\`.`;
    throw new SignalboxError({ code: 'not_trusted', message, facts: { digest: configuration?.digest } });
  }
  const inputs = checkInputs(definition, { ...trigger.inputs, ...firing.inputs });
  if (info && configuration) await applyRepositoryPolicies(ports, info.path, configuration, trusted);
  const { summary, depth } = firing;
  const result = await ports.submit(
    {
      type: 'run/start',
      ...{ run: firing.run, workflow, inputs, again: true },
      startedBy: { trigger: id, kind: trigger.definition.kind, firing: firing.id, summary, depth },
      ...(info ? { repository: await describeRepository(ports, info, { into, base: definition.base }) } : {}),
    },
    { principal: `trigger:${id}`, cause: `firing:${firing.id}` },
  );
  if (!result.ok) throw new SignalboxError(result.refusal);
}
