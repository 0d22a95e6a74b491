/** What keys mean on the chart, and where the selection goes. Pure. */
import { itemsOf, nearestItem, startOf, type Lane, type Scene, type Selection } from './scene.ts';

export type Command =
  | { do: 'select'; move: Move }
  | { do: 'zoom'; factor: number }
  | { do: 'pan'; share: number }
  | { do: 'open' | 'fit' | 'follow' | 'table' | 'clear' };

export type Move = 'left' | 'right' | 'up' | 'down' | 'pageUp' | 'pageDown' | 'first' | 'last' | 'top' | 'bottom';

/** The part of a KeyboardEvent that matters. */
export interface Key {
  key: string;
  shiftKey: boolean;
  ctrlKey: boolean;
  metaKey: boolean;
  altKey: boolean;
}

export const ZOOM_STEP = 1.5;
const PAGE = 10;

const PLAIN: Readonly<Record<string, Command>> = {
  ArrowLeft: { do: 'select', move: 'left' },
  ArrowRight: { do: 'select', move: 'right' },
  ArrowUp: { do: 'select', move: 'up' },
  ArrowDown: { do: 'select', move: 'down' },
  PageUp: { do: 'select', move: 'pageUp' },
  PageDown: { do: 'select', move: 'pageDown' },
  Home: { do: 'select', move: 'first' },
  End: { do: 'select', move: 'last' },
  Enter: { do: 'open' },
  ' ': { do: 'open' },
  Escape: { do: 'clear' },
  '+': { do: 'zoom', factor: 1 / ZOOM_STEP },
  '=': { do: 'zoom', factor: 1 / ZOOM_STEP },
  '-': { do: 'zoom', factor: ZOOM_STEP },
  _: { do: 'zoom', factor: ZOOM_STEP },
  '0': { do: 'fit' },
  f: { do: 'follow' },
  t: { do: 'table' },
};

/** The command of a key; undefined leaves the key to VS Code. */
export function commandFor(key: Key): Command | undefined {
  if (key.altKey || key.metaKey) return undefined;
  if (key.ctrlKey) {
    if (key.key === 'Home') return { do: 'select', move: 'top' };
    return key.key === 'End' ? { do: 'select', move: 'bottom' } : undefined;
  }
  if (key.shiftKey && key.key === 'ArrowLeft') return { do: 'pan', share: -0.2 };
  if (key.shiftKey && key.key === 'ArrowRight') return { do: 'pan', share: 0.2 };
  return PLAIN[key.key.length === 1 ? key.key.toLowerCase() : key.key];
}

/** The selection after a move. Up and down keep to the same moment, `time` (ms) where nothing is selected yet. */
export function moveSelection(scene: Scene, selection: Selection | undefined, move: Move, time: number): Selection | undefined {
  if (scene.lanes.length === 0) return undefined;
  const place = scene.places.get(selection?.row ?? '');
  if (place === undefined) return selectOn(scene.lanes[0], time);
  const lane = scene.lanes[place];
  if (!lane) return undefined;
  const item = scene.items.get(selection?.item ?? '');
  switch (move) {
    case 'left':
    case 'right':
      return stepAlong(lane, item?.id, move === 'left' ? -1 : 1);
    case 'first':
    case 'last':
      return { row: lane.row.id, item: itemsOf(lane).at(move === 'first' ? 0 : -1)?.id };
    case 'top':
    case 'bottom':
      return selectOn(scene.lanes.at(move === 'top' ? 0 : -1), item ? startOf(item) : time);
    case 'up':
    case 'down':
    case 'pageUp':
    case 'pageDown': {
      const step = { up: -1, down: 1, pageUp: -PAGE, pageDown: PAGE }[move];
      const target = Math.min(Math.max(place + step, 0), scene.lanes.length - 1);
      return target === place ? selection : selectOn(scene.lanes[target], item ? startOf(item) : time);
    }
    default:
      return move satisfies never;
  }
}

function selectOn(lane: Lane | undefined, time: number): Selection | undefined {
  return lane && { row: lane.row.id, item: nearestItem(lane, time)?.id };
}

function stepAlong(lane: Lane, id: string | undefined, step: 1 | -1): Selection {
  const items = itemsOf(lane);
  const at = items.findIndex((item) => item.id === id);
  const next = at < 0 ? (step > 0 ? 0 : items.length - 1) : Math.min(Math.max(at + step, 0), items.length - 1);
  return { row: lane.row.id, item: items[next]?.id };
}
