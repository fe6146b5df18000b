/** A TCP proxy that can cut, swallow and silence what passes: faults below gRPC. */
import net from 'node:net';

export class FaultyProxy {
  readonly #server: net.Server;
  readonly #sockets = new Set<net.Socket>();
  /** Connections so far. */
  connections = 0;
  /** Accept, and never say a word. */
  mute = false;
  /** Bytes from the server after which the connection is reset; counted for each connection. */
  cutAfterBytes = Number.POSITIVE_INFINITY;

  private constructor(target: number) {
    this.#server = net.createServer(client => {
      this.connections++;
      this.#track(client);
      if (this.mute) return;
      let budget = this.cutAfterBytes;
      const server = net.connect(target, '127.0.0.1');
      this.#track(server);
      client.pipe(server);
      server.on('data', chunk => {
        if (chunk.length >= budget) {
          client.write(chunk.subarray(0, budget), () => client.resetAndDestroy());
          server.destroy();
          return;
        }
        budget -= chunk.length;
        if (!client.write(chunk)) {
          server.pause();
          client.once('drain', () => server.resume());
        }
      });
      server.on('close', () => client.destroy());
      client.on('close', () => server.destroy());
    });
  }

  static async start(target: number): Promise<FaultyProxy> {
    const proxy = new FaultyProxy(target);
    await new Promise<void>(resolve => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as net.AddressInfo).port}`;
  }

  /** Resets every connection. */
  reset(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  stop(): void {
    this.#server.close();
    this.reset();
  }

  #track(socket: net.Socket): void {
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('error', () => {});
  }
}
