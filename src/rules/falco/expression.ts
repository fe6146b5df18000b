/** Falco's condition language: text → syntax tree. Errors are thrown as `FalcoSyntaxError` with an index into the text. */

export type Operator =
  | '='
  | '!='
  | '<'
  | '<='
  | '>'
  | '>='
  | 'contains'
  | 'icontains'
  | 'bcontains'
  | 'startswith'
  | 'bstartswith'
  | 'endswith'
  | 'glob'
  | 'iglob'
  | 'in'
  | 'intersects'
  | 'pmatch'
  | 'regex'
  | 'exists';

export interface Value {
  readonly text: string;
  readonly at: number;
  /** A quoted value names no list. */
  readonly quoted: boolean;
  /** `val(field)`: the value is that of another field. */
  readonly field: boolean;
}

export type Expression =
  | { readonly type: 'and' | 'or'; readonly of: readonly Expression[] }
  | { readonly type: 'not'; readonly of: Expression }
  | { readonly type: 'macro'; readonly name: string; readonly at: number }
  | {
      readonly type: 'test';
      readonly field: string;
      readonly operator: Operator;
      readonly values: readonly Value[];
      readonly at: number;
    };

export class FalcoSyntaxError extends Error {
  readonly at: number;
  constructor(message: string, at: number) {
    super(message);
    this.at = at;
  }
}

const NESTING_MAX = 100;
const TEXT_CHARS_MAX = 200_000;
const VALUES_MAX = 20_000;

const FIELD = /[a-z][a-z0-9_]*(?:\.[a-z0-9_]+)+(?:\[[^\]\n]{0,200}\])?(?:\.[a-z0-9_]+)*/y;
const MACRO = /[A-Za-z_][A-Za-z0-9_-]*/y;
const TRANSFORMER = /(tolower|toupper|b64|basename|len)\s*\(/y;
const VAL = /val\s*\(/y;
const SYMBOL = /==|!=|<=|>=|=|<|>/y;
const WORD =
  /(?:bcontains|icontains|contains|bstartswith|startswith|endswith|iglob|glob|intersects|in|pmatch|regex|exists)(?![A-Za-z0-9_.-])/y;
const BARE = /[^\s()"',=]+/y;
/** After an operator that is a symbol a value may hold more: `evt.dir=<`, `proc.args=a=b`. */
const BARE_ALONE = /[^\s()"',]+/y;
const SPACE = /\s/;

class Parser {
  readonly #text: string;
  #at = 0;
  #depth = 0;

  constructor(text: string) {
    this.#text = text;
  }

  whole(): Expression {
    const expression = this.#or();
    this.#space();
    if (this.#at < this.#text.length) this.#fail(`unexpected ${this.#near()}`);
    return expression;
  }

  #or(): Expression {
    const of = [this.#and()];
    while (this.#keyword('or')) of.push(this.#and());
    return of.length === 1 ? (of[0] as Expression) : { type: 'or', of };
  }

  #and(): Expression {
    const of = [this.#not()];
    while (this.#keyword('and')) of.push(this.#not());
    return of.length === 1 ? (of[0] as Expression) : { type: 'and', of };
  }

  #not(): Expression {
    let negated = false;
    while (this.#keyword('not')) negated = !negated;
    const inner = this.#primary();
    return negated ? { type: 'not', of: inner } : inner;
  }

  #primary(): Expression {
    this.#space();
    if (this.#text[this.#at] === '(') {
      if (++this.#depth > NESTING_MAX) this.#fail(`nested deeper than ${NESTING_MAX} levels`);
      this.#at++;
      const inner = this.#or();
      this.#close();
      this.#depth--;
      return inner;
    }
    const at = this.#at;
    const field = this.#field();
    if (field !== null) return this.#test(field, at);
    const name = this.#match(MACRO);
    if (name === null)
      this.#fail(this.#at >= this.#text.length ? 'the condition ends too early' : `unexpected ${this.#near()}`);
    if (/^(and|or|not)$/.test(name)) {
      this.#at = at;
      this.#fail(`unexpected ${name}`);
    }
    return { type: 'macro', name, at };
  }

  /** A field or a transformer round one, as text without spaces; null when there is none here. */
  #field(): string | null {
    const opening = this.#match(TRANSFORMER);
    if (opening === null) return this.#match(FIELD);
    if (++this.#depth > NESTING_MAX) this.#fail(`nested deeper than ${NESTING_MAX} levels`);
    this.#space();
    const inner = this.#field();
    if (inner === null) this.#fail('a transformer takes a field');
    this.#close();
    this.#depth--;
    return `${opening.slice(0, -1).trim()}(${inner})`;
  }

  #test(field: string, at: number): Expression {
    this.#space();
    const symbol = this.#match(SYMBOL);
    const operator = symbol ?? this.#match(WORD);
    if (operator === null) this.#fail(`an operator must follow ${field}`);
    if (operator === 'exists') return { type: 'test', field, operator, values: [], at };
    const name = (operator === '==' ? '=' : operator) as Operator;
    if (name === 'in' || name === 'intersects' || name === 'pmatch')
      return { type: 'test', field, operator: name, values: this.#values(), at };
    return { type: 'test', field, operator: name, values: [this.#value(true)], at };
  }

  #values(): Value[] {
    this.#space();
    const at = this.#at;
    const call = this.#match(VAL);
    if (call !== null) {
      this.#at = at;
      return [this.#value(false)];
    }
    if (this.#text[this.#at] !== '(') {
      // A list's name alone.
      return [this.#value(false)];
    }
    this.#at++;
    const values: Value[] = [];
    this.#space();
    if (this.#text[this.#at] === ')') {
      this.#at++;
      return values;
    }
    for (;;) {
      values.push(this.#value(false));
      if (values.length > VALUES_MAX) this.#fail(`more than ${VALUES_MAX} values`);
      this.#space();
      if (this.#text[this.#at] === ',') this.#at++;
      else break;
    }
    this.#close();
    return values;
  }

  #value(alone: boolean): Value {
    this.#space(false);
    const at = this.#at;
    const quote = this.#text[at];
    if (quote === '"' || quote === "'") return { text: this.#quoted(quote), at, quoted: true, field: false };
    if (this.#match(VAL) !== null) {
      this.#space();
      const field = this.#field();
      if (field === null) this.#fail('val() takes a field');
      this.#close();
      return { text: field, at, quoted: true, field: true };
    }
    const here = this.#at;
    if (this.#match(TRANSFORMER) !== null) {
      this.#at = here;
      return { text: this.#field() as string, at, quoted: true, field: true };
    }
    const bare = this.#match(alone ? BARE_ALONE : BARE);
    if (bare === null)
      this.#fail(
        this.#at >= this.#text.length ? 'a value is missing at the end' : `a value is missing before ${this.#near()}`,
      );
    return { text: bare, at, quoted: false, field: false };
  }

  #quoted(quote: string): string {
    let out = '';
    const start = this.#at;
    for (let i = start + 1; i < this.#text.length; i++) {
      const c = this.#text[i] as string;
      const next = this.#text[i + 1];
      if (c === '\\' && (next === quote || next === '\\' || next === "'" || next === '"')) {
        out += next;
        i++;
      } else if (c === quote) {
        this.#at = i + 1;
        return out;
      } else out += c === '\n' ? ' ' : c;
    }
    this.#at = start;
    return this.#fail(`a quote that does not end: ${this.#near()}`);
  }

  #close(): void {
    this.#space();
    if (this.#text[this.#at] !== ')')
      this.#fail(
        this.#at >= this.#text.length ? 'a closing parenthesis is missing' : `expected ) before ${this.#near()}`,
      );
    this.#at++;
  }

  #keyword(word: string): boolean {
    this.#space();
    if (!this.#text.startsWith(word, this.#at)) return false;
    const next = this.#text[this.#at + word.length];
    if (next !== undefined && !SPACE.test(next) && next !== '(') return false;
    this.#at += word.length;
    return true;
  }

  /** White space and, where no value is due, comments to the end of their line. */
  #space(comments = true): void {
    for (;;) {
      const c = this.#text[this.#at];
      if (c !== undefined && SPACE.test(c)) this.#at++;
      else if (comments && c === '#' && this.#at > 0 && SPACE.test(this.#text[this.#at - 1] as string)) {
        const end = this.#text.indexOf('\n', this.#at);
        this.#at = end < 0 ? this.#text.length : end;
      } else return;
    }
  }

  #match(pattern: RegExp): string | null {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0] ?? null;
    if (found !== null) this.#at += found.length;
    return found;
  }

  #near(): string {
    return JSON.stringify(this.#text.slice(this.#at, this.#at + 20).replace(/\s[\s\S]*/, ''));
  }

  #fail(message: string): never {
    throw new FalcoSyntaxError(message, Math.min(this.#at, Math.max(0, this.#text.length - 1)));
  }
}

export function parseExpression(text: string): Expression {
  if (text.length > TEXT_CHARS_MAX) throw new FalcoSyntaxError(`a condition of ${text.length} characters`, 0);
  const nul = text.indexOf('\0');
  if (nul >= 0) throw new FalcoSyntaxError('a NUL character', nul);
  return new Parser(text).whole();
}
