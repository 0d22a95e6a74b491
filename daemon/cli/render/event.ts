import type { CloudEvent } from '../../../shared/protocol/views.ts';
import { shortId } from '../ids.ts';
import type { Look } from './paint.ts';
import { cleanLine, cutText, padText, widthOf } from './text.ts';

const PREFIX = /^dev\.signalbox\.|\.v\d+$/g;
/** Members that say what an event is about, in the order in which they are shown. */
const ABOUT = ['stage', 'agent', 'key', 'summary', 'status', 'message', 'reason', 'name', 'into', 'commit', 'path', 'digest'];

/** One event on one line: time, seq, type, and what it is about. */
export function renderEvent(event: CloudEvent, { width, paint }: Look): string {
  const time = event.time.slice(11, 23);
  const type = event.type.replace(PREFIX, '');
  const run = typeof event.data.run === 'string' ? shortId(event.data.run) : '';
  const about = ABOUT.flatMap((name) => {
    const value = event.data[name];
    return typeof value === 'string' && value !== '' ? [`${name}=${shortId(cleanLine(value))}`] : [];
  }).join(' ');
  const lead = `${time} ${padText(event.sequence, 5, 'left')} ${padText(type, 24)} ${padText(run, 8)} `;
  const text = cutText(
    `${event.principal === 'daemon' ? '' : `by ${cleanLine(event.principal)} `}${about}`,
    Math.max(8, width - widthOf(lead)),
  );
  return `${paint.dim(time)} ${paint.dim(padText(event.sequence, 5, 'left'))} ${padText(type, 24)} ${paint.cyan(padText(run, 8))} ${text}`.trimEnd();
}
