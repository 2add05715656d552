// biome-ignore-all lint/suspicious/noTemplateCurlyInString: this is how configurations write variables

/** Good parts to put the wrong ones beside. */
const LISTENERS = 'listeners: { a: { protocol: http, bind: "127.0.0.1:0", cluster: app } }\n';
const CLUSTERS = 'clusters: { app: { endpoints: ["127.0.0.1:1"] } }\n';
const LISTENER = `${CLUSTERS}listeners:
  a:
    protocol: http
    bind: "127.0.0.1:8080"
`;
const CLUSTER = `${LISTENERS}clusters:
  app:
    endpoints: ["127.0.0.1:1"]
`;
const PLUGINS = `${LISTENERS}${CLUSTERS}plugins:\n`;

/** Wrong configurations, each with everything that is said of it. */
export const wrong: readonly (readonly [name: string, text: string, ...problems: string[]])[] = [
  [
    'a list that is not closed',
    `${LISTENERS}clusters: [\n`,
    '3:1: Flow sequence in block collection must be sufficiently indented and end with a ]',
  ],
  [
    'a key without a colon',
    `${LISTENERS}clusters:\n  app:\n   endpoints: []\n  bad\n`,
    '5:3: Implicit map keys need to be followed by map values',
  ],
  [
    'a reference without quotes in a flow collection',
    `${LISTENERS}clusters: { app: { endpoints: [\${ADDR}] } }\n`,
    '2:33: Missing , or : between flow sequence items, expected ${NAME} in quotes within { } and [ ]',
  ],
  [
    'text that is no YAML from some place on, which may be a secret',
    `${LISTENERS}clusters: [\nx: "hunter2"\ny: { z: hunter3 }\n`,
    '3:1: Flow sequence in block collection must be sufficiently indented and end with a ]',
  ],
  [
    'a token that is unexpected, without its text',
    `${LISTENERS}clusters: {}\n} "hunter2"\n`,
    '3:1: Unexpected flow-map-end token in YAML stream',
  ],
  [
    'a secret that YAML takes for a tag, and one that it takes for an alias',
    `${PLUGINS}  - tracing: { token: !hunter2 }\n  - vault: { login: *hunter3 }\n`,
    '4:23: a tag (!) is not known; a text that begins with ! needs quotes',
    '5:21 plugins[1].vault.login: an alias (*) has no anchor (&); a text that begins with * needs quotes',
    '5:21 plugins[1].vault.login.password: is missing, expected text (Password)',
    '5:21 plugins[1].vault.login.user: is missing, expected text (User)',
  ],
  [
    'two documents',
    `${LISTENERS}${CLUSTERS}---\n${LISTENERS}`,
    '3:1: a second document begins here (---), and a configuration is one',
  ],
  [
    'a merge key',
    `${LISTENERS}clusters:\n  app: &a { endpoints: [] }\n  b:\n    <<: *a\n    endpoints: []\n`,
    '5:5 clusters.b: merge keys (<<) are not part of YAML 1.2, expected the keys themselves, or an alias for a whole value',
  ],
  ['a list instead of a map', '- a\n', '1:1: is a list, expected a map with listeners and clusters'],
  ['a text instead of a map', 'hello\n', '1:1: is "hello", expected a map with listeners and clusters'],
  ['an empty file', '', '1:1 listeners: there are no listeners, expected at least one'],
  [
    'a setting given twice',
    `${LISTENERS}${CLUSTERS}drain: { timeout: 1s,\n  timeout: 2s }\n`,
    '4:3 drain.timeout: is given twice, first on line 3',
  ],
  [
    'a cluster given twice',
    `${LISTENERS}clusters:\n  app: { endpoints: ["127.0.0.1:1"] }\n  app: { endpoints: [] }\n`,
    '4:3 clusters.app: is given twice, first on line 3',
  ],
  ['a key that is a map', `${LISTENERS}${CLUSTERS}? { a: b }\n: c\n`, '3:3: a key is not text, expected a name'],
  [
    'an alias that contains itself',
    `${LISTENERS}clusters:\n  app: &a { endpoints: ["127.0.0.1:1"], x: *a }\n`,
    '3:41 clusters.app.x: is not known here, expected one of endpoints, discovery, balancer, drain, timeouts, tls, limits, retry, sticky, health, outlier',
    '3:44 clusters.app.x: an alias (*) contains itself',
  ],
  [
    'an alias without an anchor',
    `${LISTENERS}clusters: { app: *nobody }\n`,
    '2:13 clusters.app: has no endpoints, expected endpoints or discovery',
    '2:18 clusters.app: an alias (*) has no anchor (&); a text that begins with * needs quotes',
  ],
  [
    'a variable that is not set',
    `service: { name: "\${NOBODY}" }\n${LISTENERS}${CLUSTERS}`,
    '1:18 service.name: the environment variable NOBODY is not set, expected it to be, or a default: ${NOBODY:-default}',
  ],
  [
    'a reference to no name',
    `service: { name: "\${9}" }\n${LISTENERS}${CLUSTERS}`,
    '1:18 service.name: has a ${ that begins no reference to a variable, expected ${NAME}, ${NAME:-default}, or $${ for a literal ${',
  ],
  [
    'a reference that is not closed',
    `service: { name: "\${NAME" }\n${LISTENERS}${CLUSTERS}`,
    '1:18 service.name: has a ${ that begins no reference to a variable, expected ${NAME}, ${NAME:-default}, or $${ for a literal ${',
  ],
  [
    'an unknown section',
    `servce: { name: x }\n${LISTENERS}${CLUSTERS}`,
    '1:1 servce: is not known here, did you mean "service"?',
  ],
  [
    'an unknown section unlike any other',
    `zzz: 1\n${LISTENERS}${CLUSTERS}`,
    '1:1 zzz: is not known here, expected one of service, admin, probes, drain, listeners, clusters, plugins',
  ],
  [
    'a number where text belongs',
    `service: { name: 5 }\n${LISTENERS}${CLUSTERS}`,
    '1:18 service.name: is 5, expected text, in quotes: "5"',
  ],
  ['a text where a map belongs', `service: chat\n${LISTENERS}${CLUSTERS}`, '1:10 service: is "chat", expected a map'],
  [
    'an address where the admin section belongs',
    `admin: "127.0.0.1:1"\n${LISTENERS}${CLUSTERS}`,
    '1:8 admin: is "127.0.0.1:1", expected false, or a map with bind, token, tokenFile',
  ],
  [
    'true where false or a map belongs',
    `admin: true\n${LISTENERS}${CLUSTERS}`,
    '1:8 admin: is true, expected false, or a map with bind, token, tokenFile',
  ],
  [
    'a port where an address belongs',
    `admin: { bind: "9901" }\n${LISTENERS}${CLUSTERS}`,
    '1:16 admin.bind: is "9901", expected an address: host:port, [ipv6]:port or unix:/path',
  ],
  [
    'probes without an address',
    `probes: {}\n${LISTENERS}${CLUSTERS}`,
    '1:9 probes.bind: is missing, expected an address: host:port, [ipv6]:port or unix:/path (Address of the probes)',
  ],
  [
    'a duration without a unit',
    `drain: { timeout: 30 }\n${LISTENERS}${CLUSTERS}`,
    '1:19 drain.timeout: is 30 without a unit, expected a duration such as 500ms, 25s, 2m, 1h or off',
  ],
  [
    'a duration with an unknown unit',
    `drain: { timeout: 30sec }\n${LISTENERS}${CLUSTERS}`,
    '1:19 drain.timeout: is "30sec", expected a duration such as 500ms, 25s, 2m, 1h or off',
  ],
  [
    'a negative rate',
    `drain: { rate: -1 }\n${LISTENERS}${CLUSTERS}`,
    '1:16 drain.rate: is -1, expected a rate such as 1/s, 10/m, or a number of events per second',
  ],
  [
    'a delay longer than the timeout that it is part of',
    `drain: { delay: 31s }\n${LISTENERS}${CLUSTERS}`,
    '1:17 drain.delay: is longer than drain.timeout, which it is part of',
  ],
  [
    'a key spelled in another way',
    `drain: { time-out: 30s }\n${LISTENERS}${CLUSTERS}`,
    '1:10 drain.time-out: is not known here, did you mean "timeout"?',
  ],
  ['no listeners', CLUSTERS, '1:1 listeners: there are no listeners, expected at least one'],
  [
    'an empty map of listeners',
    `listeners:\n${CLUSTERS}`,
    '1:1 listeners: there are no listeners, expected at least one',
  ],
  ['a list of listeners', `listeners: [a]\n${CLUSTERS}`, '1:12 listeners: is a list, expected a map of names'],
  [
    'a listener without anything',
    `listeners: { a: }\n${CLUSTERS}`,
    '1:14 listeners.a: says nowhere to go, expected cluster or routes',
    '1:14 listeners.a.bind: is missing, expected an address: host:port, [ipv6]:port or unix:/path (Address to accept on; port 0 takes a free one)',
    '1:14 listeners.a.protocol: is missing, expected text (What is spoken there: http is HTTP and WebSocket, https the same over TLS)',
  ],
  ['a listener that is a text', `listeners: { a: http }\n${CLUSTERS}`, '1:17 listeners.a: is "http", expected a map'],
  ['a listener that goes nowhere', LISTENER, '3:3 listeners.a: says nowhere to go, expected cluster or routes'],
  [
    'a listener with both cluster and routes',
    `${LISTENER}    cluster: app\n    routes: [{ cluster: app }]\n`,
    '7:5 listeners.a: has both cluster and routes, expected one of them',
  ],
  [
    'an unknown cluster',
    `${LISTENER}    cluster: ap\n`,
    '6:14 listeners.a.cluster: there is no cluster "ap", did you mean "app"?',
  ],
  [
    'an unknown cluster of a route',
    `${LISTENER}    routes:\n      - { cluster: app }\n      - { cluster: shop }\n`,
    '8:20 listeners.a.routes[1].cluster: there is no cluster "shop", expected one of app',
  ],
  [
    'a route without a cluster',
    `${LISTENER}    routes: [{ match: { host: x } }]\n`,
    '6:14 listeners.a.routes[0].cluster: is missing, expected text (Name of the cluster that what matches goes to)',
  ],
  ['a route that is a text', `${LISTENER}    routes: [app]\n`, '6:14 listeners.a.routes[0]: is "app", expected a map'],
  [
    'a map of routes',
    `${LISTENER}    routes: { cluster: app }\n`,
    '6:13 listeners.a.routes: is a map, expected a list of routes',
  ],
  [
    'a path that the plugin refuses',
    `${LISTENER}    routes: [{ match: { path: ws }, cluster: app }]\n`,
    '6:31 listeners.a.routes[0].match.path: is "ws": must be /x or =/x',
  ],
  [
    `a header's value that is a number`,
    `${LISTENER}    routes: [{ match: { headers: { x-beta: 1 } }, cluster: app }]\n`,
    '6:44 listeners.a.routes[0].match.headers.x-beta: is 1, expected text, in quotes: "1"',
  ],
  [
    'an unknown condition of a route',
    `${LISTENER}    routes: [{ match: { hosts: x }, cluster: app }]\n`,
    '6:25 listeners.a.routes[0].match.hosts: is not known here, did you mean "host"?',
  ],
  [
    'a protocol misspelled',
    `${CLUSTERS}listeners: { a: { protocol: htp, bind: "127.0.0.1:0", cluster: app } }\n`,
    '2:29 listeners.a.protocol: there is no protocol "htp", did you mean "http"?',
  ],
  [
    'an unknown protocol',
    `${CLUSTERS}listeners: { a: { protocol: gopher, bind: "127.0.0.1:0", cluster: app } }\n`,
    '2:29 listeners.a.protocol: there is no protocol "gopher", expected one of http, https',
  ],
  [
    'an address without a port',
    `${CLUSTERS}listeners: { a: { protocol: http, bind: "127.0.0.1", cluster: app } }\n`,
    '2:41 listeners.a.bind: is "127.0.0.1", expected an address: host:port, [ipv6]:port or unix:/path',
  ],
  [
    'an IPv4 address that is none',
    `${CLUSTERS}listeners: { a: { protocol: http, bind: "300.0.0.1:80", cluster: app } }\n`,
    '2:41 listeners.a.bind: is "300.0.0.1:80", expected an address: host:port, [ipv6]:port or unix:/path',
  ],
  [
    'a port over 65535',
    `${CLUSTERS}listeners: { a: { protocol: http, bind: "127.0.0.1:65536", cluster: app } }\n`,
    '2:41 listeners.a.bind: is "127.0.0.1:65536", expected an address: host:port, [ipv6]:port or unix:/path',
  ],
  [
    'two listeners on the same address',
    `${LISTENER}    cluster: app\n  b: { protocol: http, bind: "127.0.0.1:8080", cluster: app }\n`,
    '7:30 listeners.b.bind: 127.0.0.1:8080 is the address of listener "a" already',
  ],
  [
    'a listener on the admin address',
    `admin: { bind: "127.0.0.1:8080" }\n${CLUSTERS}listeners:\n  a:\n    protocol: http\n    bind: "127.0.0.1:8080"\n    cluster: app\n`,
    '1:16 admin.bind: 127.0.0.1:8080 is the address of listener "a" already',
  ],
  [
    'a direction misspelled',
    `${LISTENER}    cluster: app\n    direction: outbond\n`,
    '7:16 listeners.a.direction: is "outbond", expected one of inbound, outbound, did you mean "outbound"?',
  ],
  [
    'a single address where a network belongs',
    `${LISTENER}    cluster: app\n    trustedPeers: [10.0.0.1]\n`,
    '7:20 listeners.a.trustedPeers[0]: is "10.0.0.1", expected a network: 10.0.0.1/32',
  ],
  [
    'a network with too long a prefix',
    `${LISTENER}    cluster: app\n    trustedPeers: ["10.0.0.0/33"]\n`,
    '7:20 listeners.a.trustedPeers[0]: is "10.0.0.0/33", expected a network such as 10.0.0.0/8 or fd00::/8, or a SPIFFE ID such as spiffe://mesh/ns/a/*',
  ],
  [
    'a text where a list of networks belongs',
    `${LISTENER}    cluster: app\n    trustedPeers: 10.0.0.0/8\n`,
    '7:19 listeners.a.trustedPeers: is "10.0.0.0/8", expected a list, each a network such as 10.0.0.0/8 or fd00::/8, or a SPIFFE ID such as spiffe://mesh/ns/a/*',
  ],
  [
    'a SPIFFE ID with a star within a segment',
    `${LISTENER}    cluster: app\n    trustedPeers: ["spiffe://mesh/ns/a*"]\n`,
    '7:20 listeners.a.trustedPeers[0]: is "spiffe://mesh/ns/a*", expected a network such as 10.0.0.0/8 or fd00::/8, or a SPIFFE ID such as spiffe://mesh/ns/a/*',
  ],
  [
    'a key in the wrong case',
    `${LISTENER}    cluster: app\n    tls: { certificates: [], minversion: TLSv1.2 }\n`,
    '7:30 listeners.a.tls.minversion: is not known here, did you mean "minVersion"?',
  ],
  [
    'a wrong value deep within a section',
    `${LISTENER}    cluster: app\n    tls: { certificates: [{ cert: a }], minVersion: TLSv1.1 }\n`,
    '7:27 listeners.a.tls.certificates[0].key: is missing, expected a path (Key)',
    '7:53 listeners.a.tls.minVersion: is "TLSv1.1", expected one of TLSv1.2, TLSv1.3, did you mean "TLSv1.2"?',
  ],
  [
    'true where a section belongs',
    `${LISTENER}    cluster: app\n    tls: true\n`,
    '7:10 listeners.a.tls: is true, expected a map with certificates, clientCa, clientAuth, minVersion, strictSni',
  ],
  [
    'two wrong keys in a nested section',
    `${LISTENER}    cluster: app\n    timeouts: { head: soon, bdy: 1s }\n`,
    '7:23 listeners.a.timeouts.head: is "soon", expected a duration such as 500ms, 25s, 2m, 1h or off',
    '7:29 listeners.a.timeouts.bdy: is not known here, did you mean "body"?',
  ],
  [
    'a cluster without endpoints',
    `${LISTENERS}clusters: { app: {} }\n`,
    '2:13 clusters.app: has no endpoints, expected endpoints or discovery',
  ],
  [
    'a cluster with both endpoints and discovery',
    `${CLUSTER}    discovery: { dns: { host: a, port: 1 } }\n`,
    '5:5 clusters.app: has both endpoints and discovery, expected one of them',
  ],
  [
    'a text where a list of endpoints belongs',
    `${LISTENERS}clusters: { app: { endpoints: "127.0.0.1:1" } }\n`,
    '2:31 clusters.app.endpoints: is "127.0.0.1:1", expected a list of addresses',
  ],
  [
    'an endpoint without a port',
    `${LISTENERS}clusters: { app: { endpoints: [localhost] } }\n`,
    '2:32 clusters.app.endpoints[0]: is "localhost": must be host:port, [ipv6]:port or unix:/path',
  ],
  [
    'endpoints that cannot be connected to',
    `${LISTENERS}clusters: { app: { endpoints: ["localhost:0", 5] } }\n`,
    '2:32 clusters.app.endpoints[0]: is "localhost:0": must name a host, and a port from 1 to 65535',
    '2:47 clusters.app.endpoints[1]: is 5: must be host:port, [ipv6]:port or unix:/path',
  ],
  [
    'endpoints with wrong weights, and without an address',
    `${LISTENERS}clusters: { app: { endpoints: [{ address: "a:1", weight: 0 }, { weight: 300 }] } }\n`,
    '2:58 clusters.app.endpoints[0].weight: is 0: must be a whole number from 1 to 256',
    '2:63 clusters.app.endpoints[1].address: is missing, expected a value (host:port, [ipv6]:port or unix:/path)',
    '2:73 clusters.app.endpoints[1].weight: is 300: must be a whole number from 1 to 256',
  ],
  [
    'an endpoint listed twice',
    `${LISTENERS}clusters: { app: { endpoints: ["a:1", { address: "a:1" }] } }\n`,
    '2:50 clusters.app.endpoints[1]: a:1 is listed twice',
  ],
  [
    'an unknown discovery',
    `${LISTENERS}clusters: { app: { discovery: { dsn: { host: a } } } }\n`,
    '2:33 clusters.app.discovery: there is no discovery "dsn", did you mean "dns"?',
  ],
  [
    'a discovery without settings',
    `${LISTENERS}clusters: { app: { discovery: dns } }\n`,
    '2:31 clusters.app.discovery: is "dns", expected a map of one name (dns) to its settings',
  ],
  [
    'a discovery with a wrong port',
    `${LISTENERS}clusters: { app: { discovery: { dns: { host: a, port: 70000 } } } }\n`,
    '2:55 clusters.app.discovery.dns.port: is 70000, expected a port from 0 to 65535',
  ],
  [
    'a discovery whose settings are missing',
    `${LISTENERS}clusters: { app: { discovery: { dns: } } }\n`,
    '2:33 clusters.app.discovery.dns.host: is missing, expected text (Name)',
    '2:33 clusters.app.discovery.dns.port: is missing, expected a port from 0 to 65535 (Port)',
  ],
  [
    'an unknown policy',
    `${CLUSTER}    balancer: least-requests\n`,
    '5:15 clusters.app.balancer: there is no policy "least-requests", did you mean "least-request"?',
  ],
  [
    'an unknown policy in its long form',
    `${CLUSTER}    balancer: { policy: rr }\n`,
    '5:25 clusters.app.balancer.policy: there is no policy "rr", expected one of round-robin, least-request, ring-hash',
  ],
  [
    'a long form without a policy',
    `${CLUSTER}    balancer: { choices: 2 }\n`,
    '5:15 clusters.app.balancer.policy: is missing, expected the name of a policy',
  ],
  [
    'an unknown setting of a policy',
    `${CLUSTER}    balancer: { policy: least-request, choises: 2 }\n`,
    '5:40 clusters.app.balancer.choises: is not known here, did you mean "choices"?',
  ],
  [
    'a policy without what it needs',
    `${CLUSTER}    balancer: ring-hash\n`,
    '5:15 clusters.app.balancer.hash.header: is missing, expected text (Header)',
  ],
  [
    'counts that are none',
    `${CLUSTER}    limits: { connections: many, pending: -1, requests: 1.5 }\n`,
    '5:28 clusters.app.limits.connections: is "many", expected a whole number, 0 or more',
    '5:43 clusters.app.limits.pending: is -1, expected a whole number, 0 or more',
    '5:57 clusters.app.limits.requests: is 1.5, expected a whole number, 0 or more',
  ],
  [
    'a ratio over 1',
    `${CLUSTER}    outlier: { maxEjected: 2 }\n`,
    '5:28 clusters.app.outlier.maxEjected: is 2, expected a number from 0 to 1',
  ],
  [
    'a list with one wrong item of each kind',
    `${CLUSTER}    retry: { on: [conect-failure, 503, {}] }\n`,
    '5:19 clusters.app.retry.on[0]: is "conect-failure", expected one of connect-failure, reset, or a whole number',
    '5:40 clusters.app.retry.on[2]: is a map, expected one of connect-failure, reset, or a whole number',
  ],
  [
    'a section with a wrong key and a wrong value',
    `${CLUSTER}    health: { http: { pth: /x }, interval: 2 }\n`,
    '5:21 clusters.app.health.http.path: is missing, expected text (Path)',
    '5:23 clusters.app.health.http.pth: is not known here, did you mean "path"?',
    '5:44 clusters.app.health.interval: is 2 without a unit, expected a duration such as 500ms, 25s, 2m, 1h or off',
  ],
  [
    'a map of plugins',
    `${LISTENERS}${CLUSTERS}plugins: { keepalive: {} }\n`,
    '3:10 plugins: is a map, expected a list',
  ],
  [
    'a plugin that is a number',
    `${PLUGINS}  - 5\n`,
    '4:5 plugins[0]: is 5, expected a name, a name with settings, or { use, settings, onError, listeners, timeout }',
  ],
  [
    'an entry with two plugins',
    `${PLUGINS}  - { keepalive: {}, tracing: {} }\n`,
    '4:5 plugins[0]: is a map with 2 keys and no "use", expected a name, a name with settings, or { use, settings, onError, listeners, timeout }',
  ],
  [
    'an unknown plugin',
    `${PLUGINS}  - keepalve\n`,
    '4:5 plugins[0]: there is no plugin "keepalve", did you mean "keepalive"?',
  ],
  [
    'a plugin listed twice',
    `${PLUGINS}  - keepalive\n  - keepalive: {}\n`,
    '5:5 plugins[1]: "keepalive" is listed twice, first on line 4',
  ],
  [
    'an unknown setting of a plugin',
    `${PLUGINS}  - tracing: { samplng: 0.1 }\n`,
    '4:16 plugins[0].tracing.samplng: is not known here, did you mean "sampling"?',
  ],
  [
    'a nested setting of a plugin',
    `${PLUGINS}  - keepalive: { websocket: { interval: 25 } }\n`,
    '4:41 plugins[0].keepalive.websocket.interval: is 25 without a unit, expected a duration such as 500ms, 25s, 2m, 1h or off',
  ],
  [
    'settings of a plugin that has none',
    `${PLUGINS}  - http: { x: 1 }\n`,
    '4:13 plugins[0].http.x: is not known here, expected no settings',
  ],
  [
    'a long form with everything wrong',
    `${PLUGINS}  - { use: tracing, setings: {}, onError: opn, timeout: 5, listeners: [edge] }\n`,
    '4:21 plugins[0].setings: is not known here, did you mean "settings"?',
    '4:43 plugins[0].onError: is "opn", expected one of closed, open, did you mean "open"?',
    '4:57 plugins[0].timeout: is 5 without a unit, expected a duration such as 500ms, 25s, 2m, 1h or off',
    '4:72 plugins[0].listeners[0]: there is no listener "edge", expected one of a',
  ],
  [
    'a text where a list of listeners belongs',
    `${PLUGINS}  - { use: tracing, listeners: a }\n`,
    '4:32 plugins[0].listeners: is "a", expected a list, each text',
  ],
  [
    'a size and a rate with unknown units',
    `${PLUGINS}  - tracing: { maxBatch: 64KB, atLeast: 1/day }\n`,
    '4:26 plugins[0].tracing.maxBatch: is "64KB", expected a size such as 512B, 64KiB, 4MiB or 1GiB',
    '4:41 plugins[0].tracing.atLeast: is "1/day", expected a rate such as 1/s, 10/m, or a number of events per second',
  ],
  [
    'a size over what the setting takes',
    `${PLUGINS}  - tracing: { maxBatch: 1025MiB }\n`,
    '4:26 plugins[0].tracing.maxBatch: is "1025MiB", expected 1GiB at most',
  ],
  [
    'a secret, without showing it',
    `${PLUGINS}  - tracing: { token: 12345 }\n`,
    '4:23 plugins[0].tracing.token: is not valid, expected text',
  ],
  ['settings that are a text', `${PLUGINS}  - tracing: fast\n`, '4:14 plugins[0].tracing: is "fast", expected a map'],
  [
    'a file that a setting names and that cannot be read',
    `${LISTENER}    cluster: app\n    tls: { certificates: [{ cert: a.crt, key: missing.crt }] }\n`,
    '7:47 listeners.a.tls.certificates[0].key: is "missing.crt": there is no such file',
  ],
  [
    'every address beside one of them',
    `${LISTENER}    cluster: app\n  b: { protocol: http, bind: "0.0.0.0:8080", cluster: app }\n`,
    '7:30 listeners.b.bind: 0.0.0.0:8080 cannot be had beside 127.0.0.1:8080, the address of listener "a" already',
  ],
  [
    'every address of both families beside one of them',
    `${LISTENER}    cluster: app\n  b: { protocol: http, bind: "[::]:8080", cluster: app }\n`,
    '7:30 listeners.b.bind: [::]:8080 cannot be had beside 127.0.0.1:8080, the address of listener "a" already',
  ],
  [
    'a listener on the admin address that holds by default',
    `${CLUSTERS}listeners: { a: { protocol: http, bind: "0.0.0.0:9901", cluster: app } }\n`,
    '2:41 listeners.a.bind: 0.0.0.0:9901 cannot be had beside 127.0.0.1:9901, the address of the admin page by default, expected another port, or another admin.bind, or admin: false',
  ],
  [
    'probes on the admin address',
    `admin: { bind: "127.0.0.1:1" }\nprobes: { bind: "127.0.0.1:1" }\n${LISTENERS}${CLUSTERS}`,
    '2:17 probes.bind: 127.0.0.1:1 is the address of the admin page already',
  ],
  [
    'two listeners on one Unix-domain socket',
    `${CLUSTERS}listeners:
  a: { protocol: http, bind: "unix:/run/o.sock", cluster: app }
  b: { protocol: http, bind: "unix:/run/o.sock", cluster: app }
`,
    '4:30 listeners.b.bind: unix:/run/o.sock is the address of listener "a" already',
  ],
  [
    'a listener that would send to itself',
    `listeners: { a: { protocol: http, bind: "0.0.0.0:8080", routes: [{ cluster: app }] } }
clusters: { app: { endpoints: ["127.0.0.1:8081", { address: "127.0.0.1:8080" }] } }
`,
    '2:61 clusters.app.endpoints[1]: 127.0.0.1:8080 is the address of listener "a", which sends here: it would go in a circle',
  ],
  [
    'a secret within a section that is secret as a whole, without showing it',
    `${PLUGINS}  - vault: { login: { user: 4711, pasword: hunter2 } }\n`,
    '4:21 plugins[0].vault.login.password: is missing, expected text (Password)',
    '4:29 plugins[0].vault.login.user: is not valid, expected text',
    '4:35 plugins[0].vault.login.pasword: is not known here, did you mean "password"?',
  ],
  [
    'a text where a secret section belongs, without showing it',
    `${PLUGINS}  - vault: { login: hunter2 }\n`,
    '4:21 plugins[0].vault.login: is not valid, expected a map with user, password',
  ],
  [
    'a secret that a plugin quotes when it refuses it, without showing it',
    `${PLUGINS}  - vault: { pin: hunter2, keys: [hunter3] }\n`,
    '4:19 plugins[0].vault.pin: is not valid',
    '4:35 plugins[0].vault.keys[0]: must be longer',
  ],
];

/** The same in JSON. */
export const wrongJson: readonly (readonly [name: string, text: string, ...problems: string[]])[] = [
  [
    'a brace that is not closed',
    '{ "listeners": {',
    '1:17: Flow map in block collection must be sufficiently indented and end with a }',
  ],
  [
    'a wrong value, an unknown key and an unknown cluster',
    `{
  "drain": { "timeout": 30, "rat": 5 },
  "listeners": { "a": { "protocol": "http", "bind": "127.0.0.1:0", "cluster": "ap" } },
  "clusters": { "app": { "endpoints": ["127.0.0.1:1"] } }
}`,
    '2:25 drain.timeout: is 30 without a unit, expected a duration such as 500ms, 25s, 2m, 1h or off',
    '2:29 drain.rat: is not known here, did you mean "rate"?',
    '3:79 listeners.a.cluster: there is no cluster "ap", did you mean "app"?',
  ],
  [
    'a key given twice',
    `{
\t"listeners": { "a": { "protocol": "http", "bind": "127.0.0.1:0", "cluster": "app" } },
\t"clusters": { "app": { "endpoints": [], "endpoints": ["127.0.0.1:1"] } }
}`,
    '3:42 clusters.app.endpoints: is given twice, first on line 3',
  ],
  [
    'null where an address belongs, and a text where true or false does',
    '{ "listeners": { "a": { "protocol": "http", "bind": null, "cluster": "app", "tls": { "certificates": [], "strictSni": "no" } } }, "clusters": { "app": { "endpoints": [] } } }',
    '1:53 listeners.a.bind: is empty, expected an address: host:port, [ipv6]:port or unix:/path',
    '1:119 listeners.a.tls.strictSni: is "no", expected true or false',
  ],
  [
    'a variable that is not set',
    '{ "service": { "name": "${NOBODY}" }, "listeners": { "a": { "protocol": "http", "bind": "127.0.0.1:0", "cluster": "app" } }, "clusters": { "app": { "endpoints": [] } } }',
    '1:24 service.name: the environment variable NOBODY is not set, expected it to be, or a default: ${NOBODY:-default}',
  ],
  ['a list', '[1]', '1:1: is a list, expected a map with listeners and clusters'],
];
