/** The live region: says what changed, at most every `EVERY_MS`, and what was selected at once. */
import type { Scene } from './scene.ts';
import { rowLabel, toneWord, type Words } from './wording.ts';

const EVERY_MS = 1_500;
const MOST = 5;

export interface Announcer {
  /** Says it now. */
  say(text: string): void;
  /** Compares the stages with what was said last and says the difference when it is time. */
  follow(scene: Scene): void;
}

/** Speaks through `region`, an element with role status. */
export function makeAnnouncer(words: Words, region: HTMLElement): Announcer {
  let told = new Map<string, string>();
  let waiting: ReturnType<typeof setTimeout> | undefined;
  let scene: Scene | undefined;
  const tell = (): void => {
    waiting = undefined;
    if (!scene) return;
    const now = statesOf(words, scene);
    const news = [...now].filter(([label, state]) => told.has(label) && told.get(label) !== state);
    told = now;
    if (news.length > 0)
      region.textContent = news
        .slice(-MOST)
        .map(([label, state]) => `${label}: ${state}`)
        .join('. ');
  };
  return {
    say(text) {
      region.textContent = text;
    },
    follow(next) {
      const first = scene === undefined;
      scene = next;
      if (first) told = statesOf(words, next);
      waiting ??= setTimeout(tell, EVERY_MS);
    },
  };
}

function statesOf(words: Words, scene: Scene): Map<string, string> {
  const stages = scene.lanes.filter((lane) => lane.row.kind === 'stage');
  const states = new Map(stages.map(({ row }) => [rowLabel(words, row), toneWord(words, row.tone)]));
  return states.set(scene.run.title, toneWord(words, scene.run.tone));
}
