// What one program does with its arguments.
import type { Word } from './command.ts';

/** A command that a program starts: as words, or as code for a shell. */
export interface Start {
  words?: readonly Word[];
  code?: Word;
  assignments?: readonly string[];
  /** Folder that it runs in, relative to that of the program; empty when it cannot be known. */
  folder?: string;
}

export interface Description {
  subcommand: string;
  /** Options that the arguments stand for, beside those that they name. */
  options: string[];
  hosts: string[];
  /** It runs code, or a program, that its arguments name. */
  inline: boolean;
  /** What it runs cannot all be listed. */
  opaque: boolean;
  /** False when it does nothing but start what follows. */
  listed: boolean;
  starts: Start[];
}

/** A program of which nothing is known: it is what it is. */
export function plainly(): Description {
  return { subcommand: '', options: [], hosts: [], inline: false, opaque: false, listed: true, starts: [] };
}

/** A program that runs something that nobody can list. */
export function opaquely(starts: readonly Start[] = []): Description {
  return { ...plainly(), inline: true, opaque: true, starts: [...starts] };
}
