/** The language server: the protocol on one side, the workspace on the other. Everything it says about rules comes from the core. */
import { fileURLToPath, pathToFileURL } from 'node:url';
import {
  type CodeLens,
  CompletionItemKind,
  type Connection,
  createConnection,
  DiagnosticSeverity,
  type InitializeParams,
  type InitializeResult,
  MarkupKind,
  MessageType,
  ResponseError,
  ShowMessageNotification,
  TextDocumentSyncKind,
  TextDocuments,
} from 'vscode-languageserver/node';
import { TextDocument } from 'vscode-languageserver-textdocument';
import { escapeTerminal } from '../model/escape.ts';
import type { RuleTestResult } from '../rule-tests/run.ts';
import type { Diagnostic } from '../rules/diagnostics.ts';
import { complete, type Suggestion } from './completion.ts';
import { cursorAt } from './cursor.ts';
import { completeFalco, falcoDefinitionAt, hoverFalco, isFalcoText } from './falco.ts';
import { definitionAt, hover } from './hover.ts';
import { type Files, Workspace } from './workspace.ts';

/** Runs the tests of a rule: arguments are the document's URI, the rule's id or null, and the test's name or null. */
const RUN_TESTS = 'spoor.runTests';

const ITEM_KINDS: Readonly<Record<Suggestion['kind'], CompletionItemKind>> = {
  key: CompletionItemKind.Property,
  field: CompletionItemKind.Field,
  modifier: CompletionItemKind.Operator,
  value: CompletionItemKind.EnumMember,
  name: CompletionItemKind.Variable,
};

/** Typing rests for this long before a file is checked again. */
const CHECK_DELAY_MS = 150;

/** Serves one editor on standard input and output until it hangs up. */
export function serve(
  input: NodeJS.ReadableStream,
  output: NodeJS.WritableStream,
  files: Files,
  version: string,
): void {
  new Server(createConnection(input, output), files, version).listen();
}

class Server {
  readonly #connection: Connection;
  readonly #documents = new TextDocuments(TextDocument);
  readonly #files: Files;
  readonly #version: string;
  readonly #timers = new Map<string, NodeJS.Timeout>();
  /** What the last run of tests found wrong, until the document changes. */
  readonly #failures = new Map<string, readonly RuleTestResult[]>();
  #workspace: Workspace;

  constructor(connection: Connection, files: Files, version: string) {
    this.#connection = connection;
    this.#files = files;
    this.#version = version;
    this.#workspace = new Workspace(files, []);
  }

  listen(): void {
    const connection = this.#connection;
    connection.onInitialize(params => this.#initialize(params));
    connection.onCompletion(params => this.#complete(params.textDocument.uri, params.position));
    connection.onHover(params => this.#hover(params.textDocument.uri, params.position));
    connection.onDefinition(params => this.#definition(params.textDocument.uri, params.position));
    connection.onCodeLens(params => this.#lenses(params.textDocument.uri));
    connection.onExecuteCommand(params => this.#execute(params.command, params.arguments ?? []));
    connection.onDidChangeWatchedFiles(() => {
      this.#workspace.reload();
      for (const { uri } of this.#documents.all()) this.#checkSoon(uri);
    });
    this.#documents.onDidChangeContent(({ document }) => {
      this.#workspace.set(fileOf(document.uri), document.getText());
      this.#failures.delete(document.uri);
      this.#checkSoon(document.uri);
    });
    this.#documents.onDidSave(() => this.#workspace.reload());
    this.#documents.onDidClose(({ document }) => {
      this.#workspace.close(fileOf(document.uri));
      clearTimeout(this.#timers.get(document.uri));
      this.#timers.delete(document.uri);
      void connection.sendDiagnostics({ uri: document.uri, diagnostics: [] });
    });
    this.#documents.listen(connection);
    connection.listen();
  }

  #initialize(params: InitializeParams): InitializeResult {
    const folders = params.workspaceFolders?.map(({ uri }) => uri) ?? [];
    this.#workspace = new Workspace(this.#files, folders.filter(isFile).map(fileOf));
    return {
      serverInfo: { name: 'spoor', version: this.#version },
      capabilities: {
        textDocumentSync: { openClose: true, change: TextDocumentSyncKind.Incremental, save: true },
        completionProvider: { triggerCharacters: ['.', '|', '%', ':', ' '] },
        hoverProvider: true,
        definitionProvider: true,
        codeLensProvider: { resolveProvider: false },
        executeCommandProvider: { commands: [RUN_TESTS] },
      },
    };
  }

  #checkSoon(uri: string): void {
    clearTimeout(this.#timers.get(uri));
    const timer = setTimeout(() => {
      this.#timers.delete(uri);
      this.#check(uri);
    }, CHECK_DELAY_MS);
    this.#timers.set(uri, timer);
  }

  #check(uri: string): void {
    const document = this.#documents.get(uri);
    if (document === undefined) return;
    const found = this.#workspace.diagnose(fileOf(uri)).map(diagnostic => ({
      range: rangeOf(document, diagnostic),
      severity: diagnostic.severity === 'error' ? DiagnosticSeverity.Error : DiagnosticSeverity.Warning,
      code: diagnostic.code,
      source: 'spoor',
      message: diagnostic.hint === '' ? diagnostic.message : `${diagnostic.message}\n${diagnostic.hint}`,
    }));
    const failed = (this.#failures.get(uri) ?? []).map(result => ({
      range: wholeLine(document, result.line - 1),
      severity: DiagnosticSeverity.Error,
      code: 'test-failed',
      source: 'spoor test',
      message: [result.test, ...result.problems].join('\n'),
    }));
    void this.#connection.sendDiagnostics({ uri, version: document.version, diagnostics: [...found, ...failed] });
  }

  #complete(uri: string, position: Position) {
    const document = this.#documents.get(uri);
    if (document === undefined) return [];
    const text = document.getText();
    const cursor = cursorAt(text, position.line, position.character);
    const known = {
      definitions: this.#workspace.definitions(fileOf(uri), position.line),
      tags: this.#workspace.tags(),
      sigma: !/^taxonomy:\s*spoor\b/m.test(text),
    };
    const range = { start: { line: position.line, character: cursor.start }, end: position };
    const found = isFalcoText(text) ? completeFalco(cursor, known.definitions) : complete(cursor, known);
    return found.map(({ label, kind, detail, insert }) => ({
      label,
      kind: ITEM_KINDS[kind],
      detail,
      filterText: label,
      textEdit: { range, newText: insert ?? label },
    }));
  }

  #hover(uri: string, position: Position) {
    const cursor = this.#cursor(uri, position);
    if (cursor === null) return null;
    const definitions = this.#workspace.definitions(fileOf(uri), position.line);
    const value = this.#isFalco(uri)
      ? hoverFalco(cursor, definitions)
      : hover(cursor, position.character - cursor.start, definitions);
    return value === null ? null : { contents: { kind: MarkupKind.Markdown, value } };
  }

  #definition(uri: string, position: Position) {
    const cursor = this.#cursor(uri, position);
    if (cursor === null) return null;
    const known = this.#workspace.definitions(fileOf(uri), position.line);
    const found = this.#isFalco(uri) ? falcoDefinitionAt(cursor, known) : definitionAt(cursor, known);
    if (found === null) return null;
    const { line, character } = found.place;
    const end = { line, character: character + found.name.length };
    return { uri: found.file === fileOf(uri) ? uri : uriOf(found.file), range: { start: found.place, end } };
  }

  #isFalco(uri: string): boolean {
    return isFalcoText(this.#documents.get(uri)?.getText() ?? '');
  }

  #cursor(uri: string, { line, character }: Position) {
    const document = this.#documents.get(uri);
    return document === undefined ? null : cursorAt(document.getText(), line, character);
  }

  #lenses(uri: string): CodeLens[] {
    const document = this.#documents.get(uri);
    if (document === undefined) return [];
    const file = fileOf(uri);
    const tests = this.#workspace.tests(file);
    const each = tests.map(({ rule, name, line }) => ({
      range: wholeLine(document, line),
      command: { title: '▶ run the test', command: RUN_TESTS, arguments: [uri, rule, name] },
    }));
    const all = this.#workspace.symbols(file).rules.flatMap(({ id, title, place }) => {
      const count = tests.filter(({ rule }) => rule === id).length;
      if (count === 0) return [];
      const label = `▶ run ${count === 1 ? 'the test' : `all ${count} tests`}`;
      return [
        {
          range: wholeLine(document, place.line),
          command: { title: label, command: RUN_TESTS, arguments: [uri, id || title, null] },
        },
      ];
    });
    return [...all, ...each];
  }

  #execute(command: string, given: readonly unknown[]): readonly RuleTestResult[] | ResponseError<void> {
    const [uri, rule = null, test = null] = given;
    const isName = (value: unknown): value is string | null => value === null || typeof value === 'string';
    if (command !== RUN_TESTS || typeof uri !== 'string' || !isName(rule) || !isName(test))
      return new ResponseError(-32_602, `${RUN_TESTS} takes a URI, a rule and a test`);
    if (this.#documents.get(uri) === undefined) return new ResponseError(-32_602, 'the document is not open');
    const results = this.#workspace.runTests(fileOf(uri), rule, test);
    const failed = results.filter(({ passed }) => !passed);
    this.#failures.set(uri, failed);
    this.#check(uri);
    const passed = results.length - failed.length;
    if (results.length === 0) this.#say(MessageType.Warning, 'no test was run: the rule has errors, or no tests');
    else if (failed.length === 0)
      this.#say(MessageType.Info, passed === 1 ? 'the test passed' : `${passed} tests passed`);
    else {
      const [first] = failed;
      const why = escapeTerminal(`${first?.test}: ${first?.problems[0] ?? ''}`);
      this.#say(MessageType.Error, `${failed.length} of ${results.length} failed: ${why}`);
    }
    return results;
  }

  #say(type: MessageType, message: string): void {
    void this.#connection.sendNotification(ShowMessageNotification.type, { type, message: `Spoor: ${message}` });
  }
}

interface Position {
  readonly line: number;
  readonly character: number;
}

const isFile = (uri: string): boolean => uri.startsWith('file:');
/** Buffers that were never saved have no path: their URI stands for it. */
const fileOf = (uri: string): string => (isFile(uri) ? fileURLToPath(uri) : uri);
const uriOf = (file: string): string => (/^[a-z][a-z0-9+.-]+:/i.test(file) ? file : pathToFileURL(file).href);

/** From its place to the end of the word or quoted text there. */
function rangeOf(document: TextDocument, diagnostic: Diagnostic) {
  const line = diagnostic.line - 1;
  const start = { line, character: diagnostic.column - 1 };
  const rest = document.getText({ start, end: { line: line + 1, character: 0 } }).replace(/\r?\n$/, '');
  const length = /^("[^"]*"|'[^']*'|[^\s,:{}[\]]+)/.exec(rest)?.[0].length ?? Math.min(1, rest.length);
  return { start, end: { line, character: start.character + length } };
}

function wholeLine(document: TextDocument, line: number) {
  const start = { line, character: 0 };
  const text = document.getText({ start, end: { line: line + 1, character: 0 } }).replace(/\r?\n$/, '');
  return { start, end: { line, character: text.length } };
}
