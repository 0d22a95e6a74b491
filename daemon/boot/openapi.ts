/** What is wrong with an OpenAPI document, first things first; empty when it is valid. The library is read when it is first needed. */
export async function validateOpenApi(document: unknown): Promise<string> {
  if (typeof document !== 'object' || document === null) return 'It is no object.';
  const { Validator } = await import('@seriousme/openapi-schema-validator');
  const { valid, errors } = await new Validator().validate(document as Parameters<InstanceType<typeof Validator>['validate']>[0]);
  if (valid) return '';
  if (typeof errors === 'string') return errors.slice(0, 500);
  const said = (errors ?? []).map(({ instancePath, message }) =>
    `${instancePath === '' ? 'The document' : instancePath} ${message ?? ''}`.trim(),
  );
  return [...new Set(said)].slice(0, 3).join('; ').slice(0, 500) || 'It does not satisfy the schema.';
}
