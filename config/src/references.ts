import { ADMIN_BIND, didYouMean } from '@outrigger/core';
import { conflict } from './address-conflict.ts';
import { type Document, entryAt, itemsOf } from './document.ts';
import type { Entry, Node, Position, ScalarNode } from './node.ts';
import { joinIndex, joinKey } from './path.ts';
import type { Reader } from './reader.ts';
import type { Known } from './validate.ts';

/**
 * What no schema can say: names must be those of something, and what excludes each other must not stand together. It reads
 * the document rather than the configuration, so that each problem has its position, and skips what is no text: that was
 * reported.
 */
export function checkReferences(document: Document, known: Known, reader: Reader): void {
  const listeners = entryAt(document.root, 'listeners');
  const clusters = entryAt(document.root, 'clusters');
  const listenerNames = namesIn(listeners?.node);
  const clusterNames = namesIn(clusters?.node);

  const refer = (kind: string, node: ScalarNode | undefined, path: string, known: ReadonlySet<string>) => {
    if (node === undefined || known.has(node.text)) return;
    const names = [...known];
    const suggestion = didYouMean(node.text, names);
    const remedy =
      suggestion !== undefined ? { suggestion } : names.length > 0 ? { expected: `one of ${names.join(', ')}` } : {};
    reader.problem(node.position, path, `there is no ${kind} "${node.text}"`, remedy);
  };

  const checkListener = (name: string, { node, position }: Entry, path: string) => {
    const cluster = entryAt(node, 'cluster');
    const routes = entryAt(node, 'routes');
    if (!cluster && !routes) reader.problem(position, path, 'says nowhere to go', { expected: 'cluster or routes' });
    if (cluster && routes)
      reader.problem(routes.position, path, 'has both cluster and routes', { expected: 'one of them' });
    refer('cluster', text(cluster?.node), joinKey(path, 'cluster'), clusterNames);
    itemsOf(routes?.node).forEach((route, index) => {
      const routePath = joinKey(joinIndex(joinKey(path, 'routes'), index), 'cluster');
      refer('cluster', text(entryAt(route, 'cluster')?.node), routePath, clusterNames);
    });
    checkProtocol(text(entryAt(node, 'protocol')?.node), joinKey(path, 'protocol'));
    const bind = entryAt(node, 'bind')?.node;
    checkAddress(bind, joinKey(path, 'bind'), `listener "${name}"`);
    const targets = [entryAt(node, 'cluster'), ...itemsOf(routes?.node).map((route) => entryAt(route, 'cluster'))];
    checkCircle(name, text(bind)?.text, new Set(targets.map((target) => text(target?.node)?.text)));
  };

  /** An endpoint that is the address of a listener that sends to it. */
  const checkCircle = (listener: string, bind: string | undefined, targets: ReadonlySet<string | undefined>) => {
    if (bind === undefined || clusters?.node.kind !== 'map') return;
    for (const [name, cluster] of clusters.node.entries) {
      if (!targets.has(name)) continue;
      const path = joinKey(joinKey('clusters', name), 'endpoints');
      itemsOf(entryAt(cluster.node, 'endpoints')?.node).forEach((item, index) => {
        const address = text(item) ?? text(entryAt(item, 'address')?.node);
        if (address === undefined || !conflict(address.text, bind)) return;
        const message = `${address.text} is the address of listener "${listener}", which sends here: it would go in a circle`;
        reader.problem(address.position, joinIndex(path, index), message);
      });
    }
  };

  const protocols = known.protocols ?? ['http'];
  const checkProtocol = (node: ScalarNode | undefined, path: string) => {
    if (node?.text === 'https' && !protocols.includes('https'))
      reader.problem(node.position, path, '"https" needs the https plugin, which is not loaded', {
        expected: `one of ${protocols.join(', ')}`,
      });
    else refer('protocol', node, path, new Set(protocols));
  };

  const taken: { address: string; owner: string; position: Position; path: string; byDefault: boolean }[] = [];
  const checkAddress = (node: Node | undefined, path: string, owner: string, byDefault?: string) => {
    const address = text(node)?.text ?? byDefault;
    if (address === undefined) return;
    const position = node?.position ?? document.root.position;
    const added = { address, owner, position, path, byDefault: node === undefined };
    const other = taken.find((one) => conflict(one.address, address));
    if (other === undefined) taken.push(added);
    else clash(added, other);
  };
  const clash = (added: (typeof taken)[number], other: (typeof taken)[number]) => {
    // What the file does not have has no position in it: then the other one is told.
    const [told, against] = added.byDefault ? [other, added] : [added, other];
    const same = told.address === against.address;
    const what = `${told.address} ${same ? 'is' : `cannot be had beside ${against.address},`} the address of ${against.owner}`;
    reader.problem(told.position, told.path, against.byDefault ? `${what} by default` : `${what} already`, {
      ...(against.byDefault && { expected: `another port, or another ${against.path}, or admin: false` }),
    });
  };

  const checkCluster = (_name: string, { node, position }: Entry, path: string) => {
    const endpoints = entryAt(node, 'endpoints');
    const discovery = entryAt(node, 'discovery');
    if (!endpoints && !discovery)
      reader.problem(position, path, 'has no endpoints', { expected: 'endpoints or discovery' });
    if (endpoints && discovery)
      reader.problem(discovery.position, path, 'has both endpoints and discovery', { expected: 'one of them' });
    checkEndpoints(endpoints?.node, joinKey(path, 'endpoints'));
    const balancer = entryAt(node, 'balancer')?.node;
    const policy = entryAt(balancer, 'policy')?.node;
    const policyPath = joinKey(path, 'balancer');
    if (known.balancers)
      refer(
        'policy',
        text(policy ?? balancer),
        policy ? joinKey(policyPath, 'policy') : policyPath,
        new Set(known.balancers.keys()),
      );
    if (known.discoveries && discovery?.node.kind === 'map')
      for (const [name, { position: at }] of discovery.node.entries)
        refer(
          'discovery',
          { kind: 'scalar', position: at, text: name, value: name, loose: false },
          joinKey(path, 'discovery'),
          new Set(known.discoveries.keys()),
        );
  };

  const checkEndpoints = (node: Node | undefined, path: string) => {
    const seen = new Set<string>();
    itemsOf(node).forEach((item, index) => {
      const address = text(item) ?? text(entryAt(item, 'address')?.node);
      if (address === undefined) return;
      if (seen.has(address.text))
        reader.problem(address.position, joinIndex(path, index), `${address.text} is listed twice`);
      seen.add(address.text);
    });
  };

  const checkDrain = () => {
    const drain = entryAt(document.root, 'drain')?.node;
    const delay = entryAt(drain, 'delay');
    if (!delay) return;
    const silent = reader.probe();
    const ms = silent.value(delay.node, 'duration', '')?.value;
    const timeout = entryAt(drain, 'timeout')?.node;
    const limit = timeout ? silent.value(timeout, 'duration', '')?.value : 30_000;
    if (typeof ms === 'number' && typeof limit === 'number' && ms > limit)
      reader.problem(delay.node.position, 'drain.delay', 'is longer than drain.timeout, which it is part of');
  };

  const checkPlugins = () => {
    const names = new Set(known.plugins.map(({ plugin }) => plugin.name));
    const entries = new Set(known.plugins.map(({ entry }) => entry));
    const seen = new Map<string, number>();
    for (const { entry, message } of known.failures ?? []) reader.problem(entry.position, entry.path, message);
    const failed = new Set(known.failures?.map(({ entry }) => entry));
    document.plugins.forEach((entry) => {
      if (!entries.has(entry) && !failed.has(entry) && !names.has(entry.use))
        refer(
          'plugin',
          { kind: 'scalar', position: entry.position, text: entry.use, value: entry.use, loose: false },
          entry.path,
          names,
        );
      const line = seen.get(entry.use);
      if (line !== undefined)
        reader.problem(entry.position, entry.path, `"${entry.use}" is listed twice, first on line ${line}`);
      seen.set(entry.use, line ?? entry.position.line);
      for (const [index, name] of (entry.listeners ?? []).entries())
        refer(
          'listener',
          {
            kind: 'scalar',
            position: entry.listenerPositions[index] ?? entry.position,
            text: name,
            value: name,
            loose: false,
          },
          joinIndex(joinKey(entry.path, 'listeners'), index),
          listenerNames,
        );
    });
  };

  if (listenerNames.size === 0 && (listeners === undefined || isEmpty(listeners.node)))
    reader.problem(listeners?.position ?? document.root.position, 'listeners', 'there are no listeners', {
      expected: 'at least one',
    });
  eachEntry(listeners?.node, 'listeners', checkListener);
  eachEntry(clusters?.node, 'clusters', checkCluster);
  const admin = entryAt(document.root, 'admin')?.node;
  const off = admin?.kind === 'scalar' && admin.value !== null;
  checkAddress(entryAt(admin, 'bind')?.node, 'admin.bind', 'the admin page', off ? undefined : ADMIN_BIND);
  checkAddress(entryAt(entryAt(document.root, 'probes')?.node, 'bind')?.node, 'probes.bind', 'the probes');
  checkDrain();
  checkPlugins();
}

function eachEntry(
  node: Node | undefined,
  path: string,
  check: (name: string, entry: Entry, path: string) => void,
): void {
  if (node?.kind !== 'map') return;
  // What is neither a map nor nothing was reported.
  for (const [name, entry] of node.entries)
    if (entry.node.kind === 'map' || isEmpty(entry.node)) check(name, entry, joinKey(path, name));
}

function namesIn(node: Node | undefined): ReadonlySet<string> {
  return new Set(node?.kind === 'map' ? node.entries.keys() : []);
}

function isEmpty(node: Node): boolean {
  return node.kind === 'map' ? node.entries.size === 0 : node.kind === 'scalar' && node.value === null;
}

function text(node: Node | undefined): ScalarNode | undefined {
  return node?.kind === 'scalar' && (typeof node.value === 'string' || node.loose) ? node : undefined;
}
