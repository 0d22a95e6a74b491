// The JSON Schema of policy files, for editors: made from the shapes that files are read with.
import * as z from 'zod';
import { PolicyShape, RuleShape } from './load-shape.ts';

/** JSON Schema (draft 7) of a policy file. Conditions and what several keys mean together are only checked by `policy check`. */
export function policySchema(): Record<string, unknown> {
  const whole = PolicyShape.extend({ rules: z.array(RuleShape).default([]) });
  const schema = z.toJSONSchema(whole, { target: 'draft-7', io: 'input', unrepresentable: 'any' });
  return { ...schema, title: 'Signalbox policy' };
}
