// Finds where in a YAML text a character of a scalar's value stands, so that an error inside a condition is shown
// at the condition's own line and column, however the scalar was quoted, folded or indented.
import { isScalar, type Node } from 'yaml';

/** The offset in `text` of the value's character at `position`; the end of the scalar when the value is shorter. */
export function findInScalar(text: string, node: Node | undefined, position: number): number {
  if (!isScalar(node) || typeof node.value !== 'string' || !node.range) return node?.range?.[0] ?? 0;
  const style = node.type;
  const end = node.range[1];
  let offset = node.range[0];
  if (style === 'BLOCK_LITERAL' || style === 'BLOCK_FOLDED') offset = text.indexOf('\n', offset) + 1;
  else if (style === 'QUOTE_DOUBLE' || style === 'QUOTE_SINGLE') offset += 1;
  let after = offset;
  for (let index = 0; index < node.value.length && offset < end; index += 1) {
    const char = node.value[index] ?? '';
    // How white space is folded differs by style, but the other characters keep their order.
    if (/\s/.test(char)) continue;
    offset = skipSpace(text, offset, style === 'QUOTE_DOUBLE');
    if (index >= position) return offset;
    offset += lengthOfCharacter(text, offset, style);
    after = offset;
  }
  return after;
}

function skipSpace(text: string, start: number, escapes: boolean): number {
  let offset = start;
  for (;;) {
    const char = text[offset] ?? '';
    if (char !== '' && /\s/.test(char)) offset += 1;
    else if (escapes && char === '\\' && /[ \t\r\ntnr]/.test(text[offset + 1] ?? '')) offset += 2;
    else return offset;
  }
}

function lengthOfCharacter(text: string, offset: number, style: string | undefined): number {
  const char = text[offset];
  if (style === 'QUOTE_SINGLE' && char === "'") return 2;
  if (style !== 'QUOTE_DOUBLE' || char !== '\\') return 1;
  const longer: Record<string, number> = { x: 4, u: 6, U: 10 };
  return longer[text[offset + 1] ?? ''] ?? 2;
}
