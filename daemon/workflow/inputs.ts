import type { WorkflowInput } from '../../shared/state/workflow.ts';

/** The inputs of a run with their defaults, or what is wrong with the first that is. */
export function bindInputs(
  takes: Readonly<Record<string, WorkflowInput>>,
  given: Readonly<Record<string, unknown>>,
  workflow: string,
): { ok: true; inputs: Record<string, unknown> } | { ok: false; input: string; message: string } {
  const unknown = Object.keys(given).find((name) => !Object.hasOwn(takes, name));
  if (unknown !== undefined) {
    const known = Object.keys(takes).join(', ') || 'none';
    return { ok: false, input: unknown, message: `${workflow} has no input ${unknown}. Its inputs: ${known}.` };
  }
  const inputs: Record<string, unknown> = {};
  for (const [name, { type, default: fallback, optional }] of Object.entries(takes)) {
    const value = readInput(given[name], type) ?? fallback;
    if (value === undefined && optional) continue;
    if (value === undefined) return { ok: false, input: name, message: `${workflow} needs the input ${name} (${type}).` };
    const actual = Array.isArray(value) ? 'list' : typeof value;
    if (actual !== type) return { ok: false, input: name, message: `The input ${name} is a ${type}, not a ${actual}.` };
    inputs[name] = value;
  }
  return { ok: true, inputs };
}

/** A text is read as what the workflow wants, where that is unmistakable. */
function readInput(value: unknown, type: string): unknown {
  if (typeof value !== 'string') return value ?? undefined;
  if (type === 'number' && value.trim() !== '' && Number.isFinite(Number(value))) return Number(value);
  if (type === 'boolean' && (value === 'true' || value === 'false')) return value === 'true';
  return value;
}
