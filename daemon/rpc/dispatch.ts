// From a request to the text of its answer, around json-rpc-2.0's JSONRPCServer.
// Boundary: the envelope is right already (envelope.ts); the library is never given anything else, as it throws on some of it.
// 1. Order of the checks: hello, name of the method, scope, parameters. Only then a handler runs.
// 2. The promise never rejects, and every request with an id gets an answer.
// 3. What a bug says stays in the log; the client gets its incident only.
import { JSONRPCErrorException, type JSONRPCRequest, JSONRPCServer } from 'json-rpc-2.0';
import type * as z from 'zod';
import { ERRORS, type ErrorCode, SignalboxError, toRpcError } from '../../shared/protocol/errors.ts';
import { type MethodName, METHODS, type ValidParamsOf } from '../../shared/protocol/methods.ts';
import type { Scope } from '../../shared/protocol/scopes.ts';
import type { Connection, Handler, Handlers, Log } from './connection.ts';
import { errorAnswer, listIssues, type Request } from './envelope.ts';
import { agreeOnProtocol } from './hello.ts';
import { isLarge, writeInSteps } from './large-json.ts';

/** Whose request it is; `protocol` is set by hello. */
export interface Caller {
  readonly connection: Connection;
  protocol: number | undefined;
}

/**
 * Answers a request with a function that writes the text to send (and never throws or rejects), or undefined when nobody waits for it.
 * The text is made when it is asked for, so that the answers of many calls are not all there at once before anybody can count their bytes;
 * a large one is made in steps, one of them at a time.
 */
export type Dispatch = (request: Request, caller: Caller) => Promise<(() => string | Promise<string>) | undefined>;

/** What dispatch needs; `newId` makes the id of an incident. */
export interface DispatchOptions {
  readonly handlers: Handlers;
  readonly log: Log;
  readonly newId: () => string;
}

/** Makes the dispatch over a handler for every method. */
export function createDispatch(options: DispatchOptions): Dispatch {
  // Its own listener would print what handlers throw; report() logs it.
  const rpc = new JSONRPCServer<Caller>({ errorListener: () => {} });
  const methods = Object.keys(METHODS) as MethodName[];
  for (const name of methods) rpc.addMethod(name, (params: unknown, caller: Caller) => call(name, params, caller, options));
  let writing: Promise<string> = Promise.resolve('');
  rpc.mapErrorToJSONRPCErrorResponse = (id, error: unknown) => ({ jsonrpc: '2.0', id, error: (error as JSONRPCErrorException).toObject() });

  return async (request, caller) => {
    const refusal = refuseName(request.method, caller);
    const { id } = request;
    if (refusal) return id === undefined ? undefined : () => errorAnswer(id, refusal.code, refusal.message, refusal.facts);
    const response = await rpc.receive(request as JSONRPCRequest, caller);
    if (!response) return undefined;
    const explain = (error: unknown): string => {
      const { message, data } = report(request.method, error, caller, options);
      return errorAnswer(id ?? null, 'internal', message, data as Record<string, unknown>);
    };
    if (isLarge(response.result)) return () => (writing = writing.then(() => writeInSteps(response)).catch(explain));
    return () => {
      try {
        return JSON.stringify(response);
      } catch (error) {
        return explain(error);
      }
    };
  };
}

async function call<M extends MethodName>(name: M, raw: unknown, caller: Caller, options: DispatchOptions): Promise<unknown> {
  try {
    refuseScope(name, caller.connection);
    const params = parseParams(name, raw ?? {});
    // Before the first await, so that what follows hello in the same frame finds it said.
    if (name === 'daemon/hello') caller.protocol = agreeOnProtocol(params as ValidParamsOf<'daemon/hello'>);
    const handle = options.handlers[name] as unknown as Handler<M>;
    return await handle(params, caller.connection);
  } catch (error) {
    throw report(name, error, caller, options);
  }
}

function refuseName(
  method: string,
  { protocol }: Caller,
): { code: ErrorCode; message: string; facts: Record<string, unknown> } | undefined {
  const said = protocol !== undefined;
  if (!said && method !== 'daemon/hello') return { code: 'hello_first', message: ERRORS.hello_first.text, facts: { method } };
  if (said && method === 'daemon/hello')
    return { code: 'invalid_transition', message: 'Hello was said already on this connection.', facts: {} };
  return Object.hasOwn(METHODS, method) ? undefined : { code: 'unknown_method', message: ERRORS.unknown_method.text, facts: { method } };
}

function refuseScope(name: MethodName, { principal }: Connection): void {
  const { scope } = METHODS[name];
  const scopes: readonly Scope[] = scope === undefined || typeof scope === 'string' ? [scope ?? []].flat() : scope;
  if (scope === undefined || scopes.some((each) => principal.scopes.includes(each))) return;
  throw new SignalboxError({
    code: 'forbidden',
    message: `${name} needs the scope ${scopes.join(' or ')}, which ${principal.name} lacks.`,
    facts: { method: name, scope, scopes: principal.scopes },
  });
}

function parseParams<M extends MethodName>(name: M, raw: unknown): ValidParamsOf<M> {
  const parsed = (METHODS[name].params as unknown as z.ZodType<ValidParamsOf<M>>).safeParse(raw);
  if (parsed.success) return parsed.data;
  const issues = listIssues(parsed.error);
  const sentences = issues.slice(0, 3).map(({ path, message }) => (path === '' ? message : `${path}: ${message}`));
  throw new SignalboxError({
    code: 'invalid_params',
    message: `The parameters of ${name} are not valid. ${sentences.join('; ')}.`,
    facts: { issues },
  });
}

/** What the client is told about something thrown: a refusal as it is, a bug as the id under which the log has it. */
function report(method: string, error: unknown, { connection }: Caller, { log, newId }: DispatchOptions): JSONRPCErrorException {
  if (error instanceof SignalboxError && Object.hasOwn(ERRORS, error.code)) {
    const { code, message, data } = toRpcError({ code: error.code as ErrorCode, message: error.message, facts: error.facts });
    return new JSONRPCErrorException(message, code, data);
  }
  const incident = newId();
  log('rpc.incident', {
    incident,
    method,
    connection: connection.id,
    principal: connection.principal.name,
    error: error instanceof Error ? (error.stack ?? error.message) : String(error),
  });
  return new JSONRPCErrorException(ERRORS.internal.text, ERRORS.internal.rpc, { incident, code: 'internal' });
}
