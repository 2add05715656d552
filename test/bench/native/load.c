// The load of the benchmark: one thread, epoll, HTTP/1.1 and WebSocket.
//   load http HOST PORT,PORT… CONNECTIONS RATE METHOD PATH BODY CLOSE   BODY bytes; CLOSE 1: a connection each
//   load https …                                                       as http, over TLS
//   load requests HOST PORT,PORT… CONNECTIONS RATE FILE                 lines of "HOST PATH", or "HOST PATH NAME:VALUE" with a header, asked for
//                                                                      in turn, whatever the connection
//   load ws HOST PORT,PORT… CONNECTIONS RATE BYTES                      one message at a time on each connection, echoed
//   load handshake HOST PORT,PORT… CONNECTIONS RESUMED                  TLS handshakes, each on a connection of its own; RESUMED 1: by a ticket
//   load idle HOST PORT CONNECTIONS                                    opens WebSockets, says so, and holds them until standard input ends
// Opens its connections, spread over the ports, and says so; then a slice for each line of standard input, which is its SECONDS. RATE is
// units a second, whether answers come or not; 0: as fast as answers come. Between slices all rest; what is under way at the end of
// one is waited for, and counted.
// Compiled with -DTLS it needs OpenSSL; without, the modes of TLS end with 3. TLS is 1.3, over P-256, with AES-128-GCM.
// Prints one line of JSON: units done, failures, seconds, percentiles in microseconds (open: from when a request was due).
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#ifdef TLS
#include <openssl/err.h>
#include <openssl/ssl.h>
#else
typedef void SSL;
#endif

#define SLOWEST 2000000
#define IN 65536

enum { CONNECTING, SECURING, HANDSHAKE, HEAD, BODY, MESSAGE, FREE };

struct conn {
  int fd, state, head_len, sent;
  long left;
  double began;
  const struct unit *unit;  // what is sent on it
  SSL *ssl;
  int offered;            // a ticket, to resume
  int queued;             // in `idle`, though it may have been replaced since
  char head[4096];
};

// A request, or a message, as it is sent.
struct unit {
  char *data;
  int len;
};

static int ep, closes, websocket, unit_count, next_unit, port_count, *ports;
static struct unit *sent;
static char *host, handshake[512];
static struct sockaddr_in address;
static long units, failures, opened;
static uint32_t *histogram;
static struct conn *conns;
// Connections that wait for something to be due, in the order in which they came.
static int *idle, idle_size;
static long idle_head, idle_tail;
static double *due_queue;
static long due_head, due_tail, due_size = 1 << 20;
static int open_loop, holding, resting, secure, handshakes, resumed;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

#include "tls.h"

static void begin(struct conn *c);

// Waits for the next slice, or for something to be due.
static void rest(struct conn *c) {
  c->state = FREE;
  if (!c->queued) idle[idle_tail++ % idle_size] = c - conns;
  c->queued = 1;
}

static void dial(struct conn *c) {
  c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  int one = 1;
  address.sin_port = htons(ports[(c - conns) % port_count]);
  setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  if (c->fd < 0 || (connect(c->fd, (void *)&address, sizeof address) && errno != EINPROGRESS)) {
    perror("connect");
    exit(1);
  }
  if (handshakes) c->began = now();
  c->state = CONNECTING;
  struct epoll_event e = {.events = EPOLLIN | EPOLLOUT, .data.ptr = c};
  epoll_ctl(ep, EPOLL_CTL_ADD, c->fd, &e);
}

static void failed(struct conn *c) {
  failures++;
  hang_up(c);
  if (failures > 100000) exit(1);
  dial(c);
}

static void send_some(struct conn *c) {
  const char *data = c->state == HANDSHAKE ? handshake : c->unit->data;
  int len = c->state == HANDSHAKE ? (int)strlen(handshake) : c->unit->len;
  while (c->sent < len) {
    int n = put(c, data + c->sent, len - c->sent);
    if (n < 0) {
      if (errno == EAGAIN) {
        struct epoll_event e = {.events = EPOLLIN | EPOLLOUT, .data.ptr = c};
        epoll_ctl(ep, EPOLL_CTL_MOD, c->fd, &e);
      }
      return;
    }
    c->sent += n;
  }
}

// The next unit on a connection that is open.
static void begin(struct conn *c) {
  // A handshake that is to bring a ticket goes on.
  if ((resting && !handshakes) || (open_loop && due_head == due_tail)) return rest(c);
  c->began = open_loop ? due_queue[due_head++ % due_size] : now();
  c->unit = &sent[next_unit++ % unit_count];
  c->state = websocket ? MESSAGE : HEAD;
  c->head_len = 0;
  c->sent = 0;
  send_some(c);
}

static void done(struct conn *c) {
  double us = (now() - c->began) * 1e6;
  histogram[us < SLOWEST ? (int)us : SLOWEST - 1]++;
  units++;
  if (!closes) return begin(c);
  hang_up(c);
  if (handshakes && resting) rest(c);
  else dial(c);
}

// What came for `c`; 0 where the connection was replaced.
static int take(struct conn *c, char *in, long len) {
  while (len > 0) {
    if (c->state == BODY) {
      long n = len < c->left ? len : c->left;
      c->left -= n, in += n, len -= n;
      if (c->left == 0) {
        done(c);
        return len == 0 || c->state != CONNECTING;
      }
    } else if (c->state == MESSAGE && c->head_len == -1) {
      long n = len < c->left ? len : c->left;
      c->left -= n, in += n, len -= n;
      if (c->left == 0) {
        done(c);
      }
    } else if (c->state == MESSAGE) {
      c->head[c->head_len++] = *in++, len--;
      unsigned char *b = (unsigned char *)c->head;
      int small = c->head_len > 1 ? b[1] & 127 : 0;
      int size = small == 126 ? 4 : small == 127 ? 10 : 2;
      if (c->head_len < 2 || c->head_len < size) continue;
      c->left = small;
      if (small > 125) {
        c->left = 0;
        for (int i = 2; i < size; i++) c->left = c->left << 8 | b[i];
      }
      c->head_len = -1;
      if (c->left == 0) done(c);
    } else if (c->state == HEAD || c->state == HANDSHAKE) {
      int room = (int)sizeof c->head - 1 - c->head_len, n = len < room ? len : room, before = c->head_len;
      memcpy(c->head + before, in, n);
      c->head_len += n;
      c->head[c->head_len] = 0;
      char *end = strstr(c->head, "\r\n\r\n");
      if (!end) {
        if (n == room) return failed(c), 0;
        return 1;
      }
      long used = end + 4 - c->head - before;
      in += used, len -= used;
      if (c->state == HANDSHAKE) {
        if (strncmp(c->head, "HTTP/1.1 101", 12)) return failed(c), 0;
        opened++;
        c->head_len = 0;
        if (holding) c->state = FREE;
        else begin(c);
        continue;
      }
      char *length = strcasestr(c->head, "\ncontent-length:");
      if (strncmp(c->head, "HTTP/1.1 200", 12) || !length || length > end) return failed(c), 0;
      c->left = atol(length + 16);
      c->state = BODY;
      if (c->left == 0) {
        done(c);
        return 1;
      }
    } else return 1;
  }
  return 1;
}

static void step(struct epoll_event *events, int n) {
  static char in[IN];
  for (int i = 0; i < n; i++) {
    struct conn *c = events[i].data.ptr;
    if (events[i].events & EPOLLOUT) {
      struct epoll_event e = {.events = EPOLLIN, .data.ptr = c};
      epoll_ctl(ep, EPOLL_CTL_MOD, c->fd, &e);
      if (c->state == CONNECTING) {
        int error = 0;
        socklen_t size = sizeof error;
        getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &size);
        if (error) {
          failed(c);
          continue;
        }
        if (secure) {
          secure_conn(c);
          continue;
        }
        if (websocket) {
          c->state = HANDSHAKE;
          c->head_len = c->sent = 0;
          send_some(c);
        } else begin(c);
      } else if (c->state != SECURING) send_some(c);
    }
    if (!(events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))) continue;
    if (c->state == SECURING && !shake_hands(c)) continue;
    for (;;) {
      int fd = c->fd;
      long got = get(c, in, IN);
      if (got < 0 && errno == EAGAIN) break;
      if (got <= 0) {
        if (c->state == FREE) {
          // Closed for being idle.
          hang_up(c);
          dial(c);
        } else failed(c);
        break;
      }
      if (!take(c, in, got) || c->fd != fd || c->state == CONNECTING || (got < IN && !secure)) break;
    }
  }
}

static double percentile(double share) {
  double wanted = units * share, seen = 0;
  for (int i = 0; i < SLOWEST; i++)
    if ((seen += histogram[i]) >= wanted) return i;
  return SLOWEST;
}

// `more` are further headers; a body of `body` bytes follows.
static void add_request(const char *method, const char *to, const char *path, const char *more, long body) {
  static int space;
  if (unit_count == space) sent = realloc(sent, (space = space ? 2 * space : 1) * sizeof *sent);
  struct unit *u = &sent[unit_count++];
  u->data = malloc(1024 + body);
  u->len = sprintf(u->data,
                   "%s %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: load/1\r\nAccept: */*\r\nAccept-Encoding: gzip\r\nCookie: session=0123456789abcdef\r\n%s%s\r\n",
                   method, path, to, closes ? "Connection: close\r\n" : "", more);
  for (long i = 0; i < body; i++) u->data[u->len++] = 'a' + random() % 26;
}

static int add_requests_of(const char *name) {
  FILE *file = fopen(name, "r");
  char line[1024], to[256], path[256], header[260];
  while (file && fgets(line, sizeof line, file)) {
    int words = sscanf(line, "%255s %255s %255s", to, path, header);
    if (words >= 2) add_request("GET", to, path, words == 3 ? strcat(header, "\r\n") : "", 0);
  }
  if (file) fclose(file);
  return unit_count > 0;
}

static void add_message(long bytes) {
  unsigned char *b = malloc(bytes + 14);
  int at = 2;
  b[0] = 0x82;
  if (bytes < 126) b[1] = 0x80 | bytes;
  else if (bytes < 65536) b[1] = 0x80 | 126, b[2] = bytes >> 8, b[3] = bytes, at = 4;
  else {
    b[1] = 0x80 | 127;
    for (int i = 0; i < 8; i++) b[2 + i] = bytes >> (56 - 8 * i);
    at = 10;
  }
  for (int i = 0; i < 4; i++) b[at + i] = 0x11 * (i + 1);
  for (long i = 0; i < bytes; i++) b[at + 4 + i] = random();
  sent = malloc(sizeof *sent);
  sent[unit_count++] = (struct unit){(char *)b, at + 4 + bytes};
}

static int ports_of(char *list) {
  ports = malloc((strlen(list) + 1) * sizeof *ports);
  for (char *port = strtok(list, ","); port; port = strtok(NULL, ",")) ports[port_count++] = atoi(port);
  return port_count > 0;
}

static void dial_all(int count) {
  struct epoll_event events[512];
  for (int i = 0; i < count; i++) {
    dial(&conns[i]);
    // No more at once than a backlog takes.
    if (i % 500 == 499) step(events, epoll_wait(ep, events, 512, 50));
  }
}

// Waits for connections; where they rest, each becomes idle when it is open.
static void say_open(int count, long *open) {
  struct epoll_event events[512];
  double patience = now() + 60;
  while (*open < count && now() < patience) step(events, epoll_wait(ep, events, 512, 100));
  printf("{\"open\":%ld,\"failures\":%ld}\n", *open, failures);
  fflush(stdout);
}

// Lets one idle connection go on.
static void wake(void) {
  while (idle_head < idle_tail) {
    struct conn *c = &conns[idle[idle_head++ % idle_size]];
    c->queued = 0;
    if (c->state != FREE) continue;
    if (handshakes) dial(c);
    else begin(c);
    return;
  }
}

// One slice, and what it came to.
static void slice(double seconds, double rate) {
  struct epoll_event events[512];
  double start = now(), end = start + seconds, due = start;
  for (;;) {
    double t = now();
    if (t >= end) break;
    if (open_loop) {
      for (; due <= t; due += 1 / rate) {
        due_queue[due_tail++ % due_size] = due;
        wake();
      }
      struct timespec wait = {.tv_nsec = due > t ? (long)((due - t) * 1e9) : 0};
      step(events, epoll_pwait2(ep, events, 512, &wait, NULL));
    } else step(events, epoll_wait(ep, events, 512, 10));
  }
}

static void say(double start) {
  printf("{\"units\":%ld,\"failures\":%ld,\"seconds\":%.4f,\"p50\":%.0f,\"p99\":%.0f}\n", units, failures, now() - start,
         units ? percentile(0.5) : 0, units ? percentile(0.99) : 0);
  fflush(stdout);
}

// A slice for each line that comes.
static void slices(int count, double rate) {
  struct epoll_event events[512];
  char line[64];
  while (fgets(line, sizeof line, stdin)) {
    for (int n; (n = epoll_wait(ep, events, 512, 0)) > 0;) step(events, n);
    units = failures = 0;
    memset(histogram, 0, SLOWEST * sizeof *histogram);
    double start = now();
    resting = 0;
    if (!open_loop)
      for (long left = idle_tail - idle_head; left > 0; left--) wake();
    slice(atof(line), rate);
    resting = 1;
    due_head = due_tail;
    double patience = now() + 10;
    while (idle_tail - idle_head < count && now() < patience) step(events, epoll_wait(ep, events, 512, 100));
    say(start);
  }
}

int main(int argc, char **argv) {
  if (argc < 5) return 2;
  signal(SIGPIPE, SIG_IGN);
  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  const char *mode = argv[1];
  host = argv[2];
  int count = atoi(argv[4]);
  address = (struct sockaddr_in){.sin_family = AF_INET};
  inet_pton(AF_INET, host, &address.sin_addr);
  histogram = calloc(SLOWEST, sizeof *histogram);
  conns = calloc(count, sizeof *conns);
  idle = calloc(count, sizeof *idle);
  idle_size = count;
  ep = epoll_create1(0);
  handshakes = !strcmp(mode, "handshake");
  secure = handshakes || !strcmp(mode, "https");
  holding = !strcmp(mode, "idle");
  websocket = holding || !strcmp(mode, "ws");
  if (argc < (holding ? 5 : handshakes ? 6 : websocket || !strcmp(mode, "requests") ? 7 : 10)) return 2;
  resumed = handshakes && atoi(argv[5]);
  resting = 1;
  double rate = holding || handshakes ? 0 : atof(argv[5]);
  open_loop = rate > 0;
  if (open_loop) {
    due_queue = malloc(due_size * sizeof *due_queue);
    // Otherwise the kernel may be 50 µs late each time that something is due.
    prctl(PR_SET_TIMERSLACK, 1);
  }
  if (!ports_of(argv[3])) return 2;
  if (secure && !start_tls()) return 3;
  snprintf(handshake, sizeof handshake,
           "GET /ws HTTP/1.1\r\nHost: bench.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
  if (websocket) add_message(holding ? 0 : atol(argv[6]));
  else if (!strcmp(mode, "requests")) {
    if (!add_requests_of(argv[6])) return 2;
  } else {
    const char *method = handshakes ? "GET" : argv[6], *path = handshakes ? "/2" : argv[7];
    long body = handshakes ? 0 : atol(argv[8]);
    closes = handshakes || atoi(argv[9]);
    char length[128] = "";
    if (body > 0) snprintf(length, sizeof length, "Content-Type: application/octet-stream\r\nContent-Length: %ld\r\n", body);
    add_request(method, "bench.example", path, length, body);
  }
  if (handshakes)
    for (int i = 0; i < count; i++) rest(&conns[i]);
  else dial_all(count);
  if (holding) {
    say_open(count, &opened);
    char c;
    while (read(0, &c, 1) > 0);
  } else {
    say_open(count, &idle_tail);
    slices(count, rate);
  }
  return 0;
}
