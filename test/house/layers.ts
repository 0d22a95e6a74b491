// Finds imports that the table of rooms does not allow. Type-only imports count.
import path from 'node:path';
import { isBelow, roomOf, type Room } from './rooms.ts';
import { listImports, type Import, type Source } from './source.ts';

const allowsPackage = (room: Room, name: string): boolean =>
  room.packages.some((allowed) => name === allowed || name.startsWith(/[:/]$/.test(allowed) ? allowed : `${allowed}/`));

/** Why `room` may not have this import, or undefined. `target` is a path relative to the root for our own files. */
function judgeOwn(room: Room, target: string, found: Import): string | undefined {
  // The room is compared, not the prefix: daemon/cli lies below daemon but is another room.
  const other = roomOf(target);
  if (other === room) return undefined;
  const opens = (places: readonly string[]): boolean => places.some((place) => isBelow(target, place));
  if (opens(room.values)) return undefined;
  if (opens(room.types ?? [])) return found.typeOnly ? undefined : `only types of ${target} may be imported here (import type)`;
  return `${room.path} may not import ${target}`;
}

/** Why a file outside the rooms may not have this import. */
function judgeOutside(file: string, found: Import): string | undefined {
  if (found.specifier === 'vscode' && !isBelow(file, 'test/e2e')) return 'vscode exists in the extension and in test/e2e only';
  return undefined;
}

function judge(source: Source, found: Import): string | undefined {
  const room = roomOf(source.path);
  if (found.specifier === 'zod' && /\{/.test(found.clause) && !found.typeOnly) {
    return "write import * as z from 'zod': the named import bundles every locale (360 KB)";
  }
  if (room === undefined) return judgeOutside(source.path, found);
  if (found.specifier.startsWith('.')) {
    const target = path.posix.join(path.posix.dirname(source.path), found.specifier);
    return judgeOwn(room, target, found);
  }
  return allowsPackage(room, found.specifier) ? undefined : `${room.path} may not import the package ${found.specifier}`;
}

/** One line per forbidden import, "file:line: reason". */
export function findLayerFaults(sources: readonly Source[]): string[] {
  return sources.flatMap((source) =>
    listImports(source).flatMap((found) => {
      const reason = judge(source, found);
      return reason === undefined ? [] : [`${source.path}:${found.line}: ${reason}`];
    }),
  );
}
