// Walks the parsed line in the order in which a shell would run it, and keeps track of the folder that the shell stands in.
//
// W1. A folder is known only where it holds whatever happened before: `cd x && y` runs y in x, `cd x; y` may not.
// W2. What is inherited (redirections, assignments, standard input) is handed on to every command within.
// W3. Trees are lazy: every script within the line is asked for its errors, and one error makes the line malformed.
import { forEachChild, parse, type Case, type If, type ParsedScript, type Pipeline, type Statement, type SyntaxNode } from 'unbash';
import { Malformed, TooMuch, type Outcome, type Reading, type Scope } from './command.ts';
import { emitShell } from './emit.ts';
import { readRedirections } from './redirections.ts';
import { producedBy, readSimple } from './simple.ts';
import { hidesSubscript, isRiskyVariable } from './variables.ts';

/** Here-documents in one line, or in code within it. */
const MAX_DOCUMENTS = 200;

/** Reads a line, or code within one; throws Malformed or TooMuch. */
export function readScript(reading: Reading, source: string, scope: Scope): Outcome {
  reading.budget -= source.length;
  if (reading.budget < 0) throw new TooMuch('The line holds more code within code than can be looked at.');
  // The parser looks at every open here-document again for each new one.
  if ((source.match(/<(?:\\\n)*</g)?.length ?? 0) > MAX_DOCUMENTS)
    throw new TooMuch(`The line has more than ${MAX_DOCUMENTS} here-documents.`);
  return walkScript(reading, parse(source), scope);
}

function walkScript(reading: Reading, script: ParsedScript, scope: Scope): Outcome {
  const [error] = script.errors ?? [];
  if (error) throw new Malformed(`${error.message} (character ${error.pos + 1})`);
  return walkList(reading, script.commands, scope);
}

const stay = (cwd: string): Outcome => ({ ok: cwd, failed: cwd });
/** The folder when both ways lead to the same one, else unknown. */
const merge = (...folders: readonly string[]): string => (folders.every((each) => each === folders[0]) ? (folders[0] ?? '') : '');
const afterAny = (outcome: Outcome): string => merge(outcome.ok, outcome.failed);

function walkList(reading: Reading, statements: readonly Statement[], scope: Scope): Outcome {
  let outcome = stay(scope.cwd);
  for (const statement of statements) {
    const cwd = afterAny(outcome);
    const next = walk(reading, statement.command, { ...scope, cwd });
    outcome = statement.background === true ? stay(cwd) : next;
  }
  return outcome;
}

function walk(reading: Reading, node: SyntaxNode, scope: Scope): Outcome {
  switch (node.type) {
    case 'Command':
      visitChildren(reading, node, scope);
      return readSimple(reading, node, scope);
    case 'CompoundList':
      return walkList(reading, node.commands, scope);
    case 'BraceGroup':
      return walk(reading, node.body, scope);
    case 'Subshell':
    case 'Coproc':
      walk(reading, node.body, scope);
      return stay(scope.cwd);
    case 'AndOr':
      return node.commands.slice(1).reduce(
        (before, command, index) => {
          const and = node.operators[index] === '&&';
          const next = walk(reading, command, { ...scope, cwd: and ? before.ok : before.failed });
          return and ? { ok: next.ok, failed: merge(before.failed, next.failed) } : { ok: merge(before.ok, next.ok), failed: next.failed };
        },
        walkFirst(reading, node.commands, scope),
      );
    case 'Pipeline':
      return walkPipeline(reading, node, scope);
    case 'Redirected':
      return walkRedirected(reading, node, scope);
    default:
      return walkCompound(reading, node, scope);
  }
}

function walkFirst(reading: Reading, commands: readonly SyntaxNode[], scope: Scope): Outcome {
  const [first] = commands;
  return first ? walk(reading, first, scope) : stay(scope.cwd);
}

function walkCompound(reading: Reading, node: SyntaxNode, scope: Scope): Outcome {
  switch (node.type) {
    case 'If':
      return walkIf(reading, node, scope);
    case 'Case':
      return walkCase(reading, node, scope);
    case 'While':
      return walkLoop(reading, scope, (start) => {
        const clause = walk(reading, node.clause, start);
        const body = walk(reading, node.body, { ...start, cwd: node.kind === 'while' ? clause.ok : clause.failed });
        return stay(merge(clause.ok, clause.failed, body.ok, body.failed));
      });
    case 'For':
    case 'Select':
    case 'ArithmeticFor':
      visitChildren(reading, node, scope, node.body);
      if (node.type !== 'ArithmeticFor') reading.tainted ||= isRiskyVariable(node.name.text);
      return walkLoop(reading, scope, (start) => walk(reading, node.body, start));
    case 'Function':
      return walkFunction(reading, node.body, scope);
    default:
      // `[[ ]]` and `(( ))` run nothing but the substitutions in them.
      visitChildren(reading, node, scope);
      if (calculatesSubscript(node)) emitShell(reading, scope, true);
      return stay(scope.cwd);
  }
}

/** `[[ -v 'a[$(code)]' ]]` runs the code. */
function calculatesSubscript(node: SyntaxNode): boolean {
  if (node.type === 'Word' || node.type === 'ArithmeticWord') return hidesSubscript(node.value);
  let found = false;
  forEachChild(node, (child) => {
    found ||= calculatesSubscript(child);
  });
  return found;
}

function walkPipeline(reading: Reading, { commands, prefixes }: Pipeline, scope: Scope): Outcome {
  const negated = prefixes.filter((prefix) => prefix.type === 'Negation').length % 2 === 1;
  const outcomes = commands.map((command, index) => {
    const before = commands[index - 1];
    return walk(reading, command, before ? { ...scope, stdin: reading.redefines ? 'unknown' : producedBy(before) } : scope);
  });
  const [only] = outcomes;
  if (only && outcomes.length === 1) return negated ? { ok: only.failed, failed: only.ok } : only;
  // Some shells run the last part of a pipeline themselves.
  return stay(merge(scope.cwd, ...outcomes.map(afterAny)));
}

function walkRedirected(reading: Reading, node: Extract<SyntaxNode, { type: 'Redirected' }>, scope: Scope): Outcome {
  visitChildren(reading, node, scope, node.command);
  const own = readRedirections(reading, node.redirects, scope);
  const before = reading.commands.length;
  const inner = { ...scope, redirections: [...scope.redirections, ...own.redirections], stdin: own.stdin ?? scope.stdin };
  const outcome = walk(reading, node.command, inner);
  if (reading.commands.length === before && own.redirections.length > 0) emitShell(reading, inner);
  return outcome;
}

function walkIf(reading: Reading, node: If, scope: Scope): Outcome {
  const ends: string[] = [];
  let cwd = scope.cwd;
  for (const branch of [node, ...node.elif]) {
    const clause = walk(reading, branch.clause, { ...scope, cwd });
    ends.push(afterAny(walk(reading, branch.then, { ...scope, cwd: clause.ok })));
    cwd = clause.failed;
  }
  ends.push(node.else ? afterAny(walk(reading, node.else, { ...scope, cwd })) : cwd);
  return stay(merge(...ends));
}

function walkCase(reading: Reading, node: Case, scope: Scope): Outcome {
  const ends = [scope.cwd];
  visitSubstitutions(reading, node.word, scope);
  for (const item of node.items) {
    for (const pattern of item.pattern) visitSubstitutions(reading, pattern, scope);
    // After `;&` the next item goes on where this one ended.
    ends.push(afterAny(walk(reading, item.body, { ...scope, cwd: merge(...ends) })));
  }
  return stay(merge(...ends));
}

/** What runs again starts where it ended: when that is elsewhere, no folder in it is known. */
function walkLoop(reading: Reading, scope: Scope, run: (scope: Scope) => Outcome): Outcome {
  const start = reading.commands.length;
  const { lost } = reading;
  const end = afterAny(run(scope));
  if (end === scope.cwd && reading.lost === lost) return stay(end);
  forgetFolders(reading, start);
  return stay('');
}

/** The commands of a body stand where it is defined, in a folder that is not known: it is that of the caller. */
function walkFunction(reading: Reading, body: SyntaxNode, scope: Scope): Outcome {
  const start = reading.commands.length;
  reading.redefines = true;
  const end = afterAny(walk(reading, body, { ...scope, cwd: '.', stdin: 'unknown' }));
  forgetFolders(reading, start);
  if (end !== '.') reading.lost = true;
  return stay(scope.cwd);
}

function forgetFolders(reading: Reading, start: number): void {
  for (const command of reading.commands.slice(start)) {
    if (!command.cwd.startsWith('/')) command.cwd = '';
    command.redirections = command.redirections.map((each) => (each.cwd.startsWith('/') ? each : { ...each, cwd: '' }));
  }
}

function visitChildren(reading: Reading, node: SyntaxNode, scope: Scope, except?: SyntaxNode): void {
  forEachChild(node, (child) => {
    if (child !== except) visitSubstitutions(reading, child, scope);
  });
}

/** The parser takes `${ code` without an end. */
function isClosed(text: string): boolean {
  const end = text.startsWith('`') ? '`' : text.startsWith('${') ? '}' : ')';
  return text.length > 2 && text.endsWith(end);
}

/** Walks every script within words, redirections, arithmetic and tests; what they do to the folder ends with them. */
function visitSubstitutions(reading: Reading, node: SyntaxNode, scope: Scope): void {
  if (node.type === 'Script') {
    walkScript(reading, node, scope);
    return;
  }
  if (node.type === 'CommandExpansion' && !isClosed(node.text))
    throw new Malformed(`a substitution is not closed (character ${node.pos + 1})`);
  if (node.type === 'CommandExpansion' && node.script && node.text.startsWith('${')) {
    // This one runs in the shell itself.
    reading.lost ||= afterAny(walkScript(reading, node.script, scope)) !== scope.cwd;
    return;
  }
  if (node.type === 'ParameterExpansion' && node.operation?.type === 'Default' && node.operation.operator.includes('='))
    reading.tainted ||= isRiskyVariable(node.parameter);
  forEachChild(node, (child) => visitSubstitutions(reading, child, scope));
}
