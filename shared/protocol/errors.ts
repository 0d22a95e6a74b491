/** Every refusal that crosses the wire: what it means and what to do about it. Documented in docs/errors.md, parity-tested. */
export const ERRORS = {
  // connection
  unauthorized: {
    rpc: -32001,
    text: 'The token is missing or not one of this daemon. Read the endpoint file again; it changes at each start.',
  },
  forbidden: { rpc: -32002, text: 'This connection lacks the scope that the method needs.' },
  hello_first: { rpc: -32003, text: 'Say daemon/hello before anything else.' },
  protocol_mismatch: {
    rpc: -32004,
    text: 'Client and daemon have no protocol version in common. Restart the daemon with `signalbox down` and `signalbox up`.',
  },
  too_many: {
    rpc: -32005,
    text: 'A bound was reached (requests in flight, queue, connections or batch). Wait for answers before sending more.',
  },
  shutting_down: { rpc: -32006, text: 'The daemon is stopping and takes no new work.' },
  attempt_may_not_answer: {
    rpc: -32007,
    text: 'The answer came from a process that an attempt started. Only a person outside of it can answer.',
  },
  disk_full: {
    rpc: -32008,
    text: 'The disk of the state folder is nearly full, so no new work is taken; what runs may end. Make space, then try again.',
  },
  // the frame
  parse_error: { rpc: -32700, text: 'The frame is not a JSON text.' },
  invalid_request: { rpc: -32600, text: 'The message is not a JSON-RPC 2.0 request as the daemon takes it.' },
  unknown_method: { rpc: -32601, text: 'The daemon has no method of that name.' },
  internal: { rpc: -32603, text: 'The daemon failed at this call. Its log has the details under the incident that the answer names.' },
  // input
  invalid_params: { rpc: -32602, text: 'The parameters do not have the form that the method takes.' },
  invalid_workflow: { rpc: -32010, text: 'The workflow file has problems; each is listed with its line and column.' },
  invalid_policy: { rpc: -32011, text: 'A policy file has problems; each is listed with its line and column.' },
  commit_too_large: { rpc: -32012, text: 'The request would make a record of over 64 KiB. Pass large values as artifacts.' },
  // not there
  not_found: { rpc: -32020, text: 'There is nothing with that id.' },
  cursor_unknown: { rpc: -32021, text: 'The cursor is not one of this journal. Subscribe without it.' },
  artifact_redacted: { rpc: -32022, text: 'The artifact was removed for good. The facts say by whom, when and why.' },
  // state
  run_active: { rpc: -32030, text: 'The same workflow is already running on that repository.' },
  run_ended: { rpc: -32031, text: 'The run has ended already.' },
  id_taken: { rpc: -32032, text: 'That id was used for something else. Make a new one.' },
  invalid_transition: { rpc: -32033, text: 'That cannot follow what is already recorded.' },
  stale_lease: { rpc: -32034, text: 'The attempt was given up; what it says changes nothing.' },
  approval_settled: { rpc: -32035, text: 'That approval was answered otherwise, or is over.' },
  nothing_to_undo: { rpc: -32036, text: 'The run merged nothing, or its merge was taken back already.' },
  trigger_paused: { rpc: -32038, text: 'The trigger is paused, so it starts nothing. Resume it, or fire it by hand.' },
  agent_unknown: { rpc: -32037, text: 'No agent with that id is registered.' },
  // policy
  policy_denied: { rpc: -32040, text: 'The policy denies it.' },
  not_trusted: {
    rpc: -32041,
    text: 'The repository brings its own .signalbox/, which nobody has trusted. Look at it, then run `signalbox trust`.',
  },
  // repository
  repository: { rpc: -32050, text: 'The repository cannot be used as it is.' },
} as const;

export type ErrorCode = keyof typeof ERRORS;

/** An expected refusal: a code of the table, a sentence for this case, and the facts. */
export interface Refusal {
  code: ErrorCode;
  message: string;
  facts?: Record<string, unknown>;
}

/** Thrown by the client, and inside the daemon's door, where a refusal has to end a call. */
export class SignalboxError extends Error {
  override readonly name = 'SignalboxError';
  readonly code: string;
  readonly facts: Record<string, unknown>;
  constructor(refusal: { code: string; message: string; facts?: Record<string, unknown> }) {
    super(refusal.message);
    this.code = refusal.code;
    this.facts = refusal.facts ?? {};
  }
}

/** The error of the wire for a refusal. */
export function toRpcError(refusal: Refusal): { code: number; message: string; data: Record<string, unknown> } {
  return { code: ERRORS[refusal.code].rpc, message: refusal.message, data: { ...refusal.facts, code: refusal.code } };
}
