// The types that conditions are checked against, read off the schema of the actions themselves, so that a field
// that is added to an action is known here without another line.
import type * as z from 'zod';
import { ACTION_KINDS, Action, type ActionKind } from '../../shared/state/action.ts';
import { DecisionContext } from '../../shared/state/decision-context.ts';

/** The type of one field, as CEL writes it, or the fields of an object, or a list of either. */
export type FieldType = 'string' | 'bool' | 'double' | { list: FieldType } | { [field: string]: FieldType };

/** The fields of an object, each always present. */
export type Fields = Record<string, FieldType>;

/** The complete typed fields of each kind of action. */
export const ACTION_FIELDS: Readonly<Record<ActionKind, Fields>> = readActionFields();

/** The typed fields of `context`, the same for each kind of action. */
export const CONTEXT_FIELDS: Fields = readFields(DecisionContext.shape);

function readActionFields(): Record<ActionKind, Fields> {
  const entries = Action.options.map((option) => [option.shape.kind.value, readFields(option.shape)] as const);
  const fields = Object.fromEntries(entries) as Record<ActionKind, Fields>;
  for (const kind of ACTION_KINDS) if (fields[kind] === undefined) throw new Error(`Action ${kind} has no schema.`);
  return fields;
}

function readFields(shape: Readonly<Record<string, z.core.$ZodType>>): Fields {
  return Object.fromEntries(Object.entries(shape).map(([name, schema]) => [name, readType(schema, name)]));
}

function readType(schema: z.core.$ZodType, name: string): FieldType {
  const { def } = (schema as z.core.$ZodTypes)._zod;
  switch (def.type) {
    case 'string':
    case 'enum':
    case 'literal':
      return 'string';
    case 'boolean':
      return 'bool';
    case 'number':
      return 'double';
    case 'array':
      return { list: readType(def.element, name) };
    case 'object':
      return readFields(def.shape);
    // A default only fills in what an older record did not have yet; the field is always there.
    case 'default':
      return readType(def.innerType, name);
    default:
      // An optional field would be an absent key in a condition, which is what the schema of actions promises never to have.
      throw new Error(`Field ${name} of an action is a ${def.type}; conditions cannot be checked against that.`);
  }
}
