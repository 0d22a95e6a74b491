import type * as vscode from 'vscode';
import type { Client } from '../shared/client/client.ts';
import type { RuleProposal } from '../shared/protocol/views.ts';
import type { Definitions } from './connection/definitions.ts';
import type { Fleet } from './connection/fleet.ts';
import type { Link } from './connection/link.ts';
import type { Reader } from './views/words.ts';

/** What commands, views and documents need; `main.ts` puts it together. */
export interface Services {
  readonly context: vscode.ExtensionContext;
  readonly log: vscode.LogOutputChannel;
  readonly link: Link;
  readonly fleet: Fleet;
  readonly definitions: Definitions;
  /** Rules that were proposed in this window, by digest, for the diff that shows them. */
  readonly proposals: Map<string, RuleProposal>;
  /** Says that somebody at this window wants a daemon: a view is shown, or a command was given. */
  want(): void;
  /** Why nothing is connected on purpose, or undefined. */
  readonly obstacle: () => Obstacle | undefined;
  /** A client that is connected; waits for it, and rejects with a SignalboxError that a person can act on. */
  client(): Promise<Client>;
  /** The language, clock and zone of the person at this window. */
  reader(): Reader;
  /** Calls `listener` after anything that a view shows may have changed. */
  onChange(listener: () => void): vscode.Disposable;
}

/** Why this window looks at nothing. */
export type Obstacle = 'untrusted' | 'noFolder' | 'noRepository';
