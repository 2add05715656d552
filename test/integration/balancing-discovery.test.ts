import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { DnsResponder, type Said } from '../support/dns-responder.ts';
import { endPrograms, sidecarOn } from '../support/program.ts';
import { Scratch } from '../support/scratch.ts';

const TTL_S = 1;
const records = (...addresses: string[]): Said => ({ addresses, ttl: TTL_S });

describe('endpoints from DNS', () => {
  const scratch = new Scratch();
  const servers: Server[] = [];
  let responder: DnsResponder;
  afterEach(async () => {
    await endPrograms();
    await responder.stop();
    for (const server of servers.splice(0)) {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    }
  });
  after(() => scratch.remove());

  const listenAt = async (host: string, port: number): Promise<number> => {
    const server = createServer((_request, response) => response.end(host)).listen(port, host);
    servers.push(server);
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  };

  it('follow the records as their TTL says, and stay while the name server fails', async () => {
    const upstream = await listenAt('127.0.0.1', 0);
    await listenAt('127.0.0.2', upstream);
    responder = await DnsResponder.start(records('127.0.0.1'), records());
    const file = scratch.write(
      'dns.yaml',
      `listeners: { inbound: { protocol: http, bind: "127.0.0.1:0", cluster: app } }
clusters:
  app: { discovery: { dns: { host: app.test, port: ${upstream}, servers: ["${responder.address}"] } } }
`,
    );
    const sidecar = sidecarOn(file);
    const port = await sidecar.port();
    const ask = async () => {
      const response = await fetch(`http://127.0.0.1:${port}/`);
      return response.status === 200 ? response.text() : response.status;
    };
    while ((await ask()) === 503);
    expect(await ask()).to.equal('127.0.0.1');

    responder.says.a = records('127.0.0.2');
    expect(await sidecar.logged('an endpoint has joined')).to.include({
      cluster: 'app',
      endpoint: `127.0.0.2:${upstream}`,
    });
    expect(await sidecar.logged('an endpoint has left')).to.include({ endpoint: `127.0.0.1:${upstream}` });
    expect([await ask(), await ask()]).to.deep.equal(['127.0.0.2', '127.0.0.2']);

    responder.says.a = 'SERVFAIL';
    responder.says.aaaa = 'SERVFAIL';
    const failed = await sidecar.logged('discovery failed; the last good endpoints stay');
    expect(failed).to.include({ level: 'warn', cluster: 'app', endpoints: 1 });
    expect(await ask()).to.equal('127.0.0.2');
    responder.says.a = records('127.0.0.2');
    responder.says.aaaa = records();
    await sidecar.logged('discovery works again');
  });
});
