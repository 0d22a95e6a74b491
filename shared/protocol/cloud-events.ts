import type { Event } from '../events/envelope.ts';
import type { CloudEvent } from './views.ts';

/** An event as the outside sees it: CloudEvents 1.0, JSON format (https://github.com/cloudevents/spec). */
export function toCloudEvent(
  event: Event,
  commit: { seq: number; at: string; principal: string; cause: string },
  installation: string,
): CloudEvent {
  const { id, type, v, stream, tenant, data, ...correlation } = event;
  return {
    specversion: '1.0',
    id,
    source: `signalbox:${installation}/${tenant}`,
    type: `dev.signalbox.${type}.v${v}`,
    time: commit.at,
    subject: stream,
    datacontenttype: 'application/json',
    sequence: String(commit.seq),
    principal: commit.principal,
    cause: commit.cause,
    data: { ...correlation, ...data },
  };
}
