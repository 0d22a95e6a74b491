import type { TriggerDefinition } from '../state/trigger-definition.ts';
import type { EventOf } from './envelope.ts';

/** Why a firing starts nothing. */
export type PassCode = 'overlap' | 'missed' | 'queue_full' | 'too_deep' | 'too_often';

/** The id of the trigger is in `data.trigger`, and in the stream's name. */
export type TriggerEvent =
  /** From now on it fires; said again, it fires as it says now. The run keeps the definition with this digest. */
  | EventOf<
      'trigger.registered',
      {
        trigger: string;
        workflow: { name: string; version: number; digest: string; source: string };
        definition: TriggerDefinition;
        /** Who says so: a person for one workflow, or the trust in a repository for all of its own. */
        origin: 'user' | 'repository';
        into?: string;
        /** Inputs that the trigger does not give. */
        inputs: Record<string, unknown>;
        by: string;
      }
    >
  | EventOf<'trigger.removed', { trigger: string; by: string; reason: string }>
  | EventOf<'trigger.paused', { trigger: string; by: string; reason: string }>
  | EventOf<'trigger.resumed', { trigger: string; by: string }>
  /**
   * It fired, and `run` will be started with these inputs; the same `firing` never fires again. `depth` counts the runs that
   * started one another by events, this one included.
   */
  | EventOf<
      'trigger.fired',
      {
        trigger: string;
        firing: string;
        run: string;
        summary: string;
        inputs: Record<string, unknown>;
        depth: number;
        by: string;
        /** A person fired it. */
        byHand?: boolean;
        /** The whole of what fired it, where it is no part of the record already. */
        facts?: string;
        /** Of a source: what it finds the item by. */
        item?: string;
        /** Of a schedule: the time that was due. */
        due?: string;
      }
    >
  /** It would have fired, and starts nothing; `until` is the last time of a schedule that this is about. */
  | EventOf<'trigger.passed', { trigger: string; firing: string; code: PassCode; summary: string; until?: string }>
  /** The run of a firing could not be started. */
  | EventOf<'trigger.failed', { trigger: string; firing: string; code: string; message: string }>
  /** The source was told that the run of this item has ended. */
  | EventOf<'trigger.acknowledged', { trigger: string; firing: string }>;
