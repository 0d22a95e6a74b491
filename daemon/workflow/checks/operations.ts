// The operations of an OpenAPI document.

const METHODS = new Set(['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace']);

/** What is missing from an operation of an OpenAPI document: words about it, or an answer for when it fails. Empty when nothing is. */
export function findOperationProblem(name: string, document: object, wanted: 'described' | 'errors'): string {
  const operations = listOperations(document);
  if (operations.length === 0) return `${name} has no operations.`;
  for (const { where, operation } of operations) {
    if (wanted === 'described' && !isText(operation['summary']) && !isText(operation['description']))
      return `${where} of ${name} has neither a summary nor a description.`;
    if (wanted === 'errors' && !Object.keys(asRecord(operation['responses'])).some((code) => /^[45]|^default$/.test(code)))
      return `${where} of ${name} does not say how it fails.`;
  }
  return '';
}

function listOperations(document: object): { where: string; operation: Record<string, unknown> }[] {
  return Object.entries(asRecord((document as Record<string, unknown>)['paths'])).flatMap(([path, item]) =>
    Object.entries(asRecord(item))
      .filter(([method]) => METHODS.has(method))
      .map(([method, operation]) => ({ where: `${method.toUpperCase()} ${path}`, operation: asRecord(operation) })),
  );
}

const asRecord = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
const isText = (value: unknown): boolean => typeof value === 'string' && value.trim() !== '';
