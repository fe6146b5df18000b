/** An editor's side of the protocol, over a real child process. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { pathToFileURL } from 'node:url';
import { onTestFinished } from 'vitest';
import {
  createProtocolConnection,
  type Diagnostic,
  StreamMessageReader,
  StreamMessageWriter,
} from 'vscode-languageserver/node';
import { CLI } from '../cli/cli.ts';

type Json = Record<string, unknown>;

export class Editor {
  readonly shown: string[] = [];
  capabilities: Json = {};
  readonly #child = spawn(process.execPath, [...CLI, 'lsp', '--stdio'], { stdio: ['pipe', 'pipe', 'pipe'] });
  readonly #connection = createProtocolConnection(
    new StreamMessageReader(this.#child.stdout),
    new StreamMessageWriter(this.#child.stdin),
  );
  readonly #diagnostics = new Map<string, { version: number; diagnostics: Diagnostic[] }>();
  readonly #waiting = new Set<() => void>();
  readonly #texts = new Map<string, { text: string; version: number }>();
  stderr = '';

  static async start(folder: string): Promise<Editor> {
    const editor = new Editor();
    onTestFinished(() => void editor.#child.kill('SIGKILL'));
    await editor.#initialize(folder);
    return editor;
  }

  async #initialize(folder: string): Promise<void> {
    const connection = this.#connection;
    this.#child.stderr.on('data', chunk => {
      this.stderr += chunk;
    });
    connection.onNotification('textDocument/publishDiagnostics', (params: Json) => {
      this.#diagnostics.set(String(params.uri), {
        version: Number(params.version),
        diagnostics: params.diagnostics as Diagnostic[],
      });
      for (const look of [...this.#waiting]) look();
    });
    connection.onNotification('window/showMessage', (params: Json) => void this.shown.push(String(params.message)));
    connection.listen();
    const uri = pathToFileURL(folder).href;
    const result = await connection.sendRequest<{ capabilities: Json }>('initialize', {
      processId: process.pid,
      rootUri: uri,
      workspaceFolders: [{ uri, name: 'rules' }],
      capabilities: {},
    });
    this.capabilities = result.capabilities;
    await connection.sendNotification('initialized', {});
  }

  /** Opens a document, or replaces its text. `‸` marks the cursor, and is taken out. */
  async type(uri: string, marked: string): Promise<{ line: number; character: number }> {
    const at = marked.indexOf('‸');
    const text = marked.replace('‸', '');
    const before = marked.slice(0, Math.max(0, at)).split('\n');
    const known = this.#texts.get(uri);
    const version = (known?.version ?? 0) + 1;
    this.#texts.set(uri, { text, version });
    if (known === undefined)
      await this.#connection.sendNotification('textDocument/didOpen', {
        textDocument: { uri, languageId: 'yaml', version, text },
      });
    else
      await this.#connection.sendNotification('textDocument/didChange', {
        textDocument: { uri, version },
        contentChanges: [{ text }],
      });
    return { line: before.length - 1, character: before.at(-1)?.length ?? 0 };
  }

  request<T>(method: string, uri: string, more: Json = {}): Promise<T> {
    return this.#connection.sendRequest<T>(method, { textDocument: { uri }, ...more });
  }

  execute<T>(command: string, args: readonly unknown[]): Promise<T> {
    return this.#connection.sendRequest<T>('workspace/executeCommand', { command, arguments: args });
  }

  /** The diagnostics of the text as it was typed last, once they fit. */
  diagnostics(
    uri: string,
    isDone: (found: readonly Diagnostic[]) => boolean = () => true,
  ): Promise<readonly Diagnostic[]> {
    return new Promise(resolve => {
      const look = (): void => {
        const found = this.#diagnostics.get(uri);
        if (found === undefined || found.version !== this.#texts.get(uri)?.version || !isDone(found.diagnostics))
          return;
        this.#waiting.delete(look);
        resolve(found.diagnostics);
      };
      this.#waiting.add(look);
      look();
    });
  }

  /** The exit status after a proper goodbye. */
  async end(): Promise<number | null> {
    const closed = once(this.#child, 'close');
    await this.#connection.sendRequest('shutdown');
    await this.#connection.sendNotification('exit');
    const [code] = (await closed) as [number | null];
    return code;
  }
}
