// The upstream of the benchmark: one thread, epoll, HTTP/1.1 and WebSocket echo, as little work as it takes.
//   upstream PORT
// GET /N answers N random bytes; anything with a body (Content-Length or chunked) is read and answered with 2 bytes; a
// handshake becomes an echo of every message. Prints "ready" when it listens.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { HTTP, LENGTH_BODY, CHUNKED_BODY, WEBSOCKET };
#define IN (1 << 17)
#define POOL (1 << 20)

struct conn {
  int fd, state, closing, wants_out;
  long body_left;         // of a request with a length
  char tail[5];           // the last bytes of a chunked body
  long out_random;        // random bytes that are still to be sent
  char *in;               // what has come and was not used
  int in_len;
  char *out;              // what could not be written yet
  long out_len, out_cap;
};

static char pool[POOL];
static int ep;

// SHA-1 and base64, for the one handshake a connection makes.
static void sha1(const unsigned char *data, size_t len, unsigned char *digest) {
  uint32_t h[5] = {0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0};
  unsigned char block[64];
  size_t total = ((len + 8) / 64 + 1) * 64;
  for (size_t at = 0; at < total; at += 64) {
    for (int i = 0; i < 64; i++) {
      size_t p = at + i;
      block[i] = p < len ? data[p] : p == len ? 0x80 : 0;
    }
    if (at + 64 == total)
      for (int i = 0; i < 8; i++) block[56 + i] = (unsigned char)(((uint64_t)len * 8) >> (56 - 8 * i));
    uint32_t w[80], a = h[0], b = h[1], c = h[2], d = h[3], e = h[4];
    for (int i = 0; i < 16; i++)
      w[i] = (uint32_t)block[4 * i] << 24 | block[4 * i + 1] << 16 | block[4 * i + 2] << 8 | block[4 * i + 3];
    for (int i = 16; i < 80; i++) {
      uint32_t x = w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16];
      w[i] = x << 1 | x >> 31;
    }
    for (int i = 0; i < 80; i++) {
      uint32_t f, k;
      if (i < 20) f = (b & c) | (~b & d), k = 0x5A827999;
      else if (i < 40) f = b ^ c ^ d, k = 0x6ED9EBA1;
      else if (i < 60) f = (b & c) | (b & d) | (c & d), k = 0x8F1BBCDC;
      else f = b ^ c ^ d, k = 0xCA62C1D6;
      uint32_t t = (a << 5 | a >> 27) + f + e + k + w[i];
      e = d, d = c, c = b << 30 | b >> 2, b = a, a = t;
    }
    h[0] += a, h[1] += b, h[2] += c, h[3] += d, h[4] += e;
  }
  for (int i = 0; i < 20; i++) digest[i] = (unsigned char)(h[i / 4] >> (24 - 8 * (i % 4)));
}

static void base64(const unsigned char *in, int len, char *out) {
  static const char *t = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  int o = 0;
  for (int i = 0; i < len; i += 3) {
    int n = in[i] << 16 | (i + 1 < len ? in[i + 1] << 8 : 0) | (i + 2 < len ? in[i + 2] : 0);
    out[o++] = t[n >> 18 & 63], out[o++] = t[n >> 12 & 63];
    out[o++] = i + 1 < len ? t[n >> 6 & 63] : '=', out[o++] = i + 2 < len ? t[n & 63] : '=';
  }
  out[o] = 0;
}

static void watch(struct conn *c, int out) {
  if (c->wants_out == out) return;
  c->wants_out = out;
  struct epoll_event e = {.events = EPOLLIN | (out ? EPOLLOUT : 0), .data.ptr = c};
  epoll_ctl(ep, EPOLL_CTL_MOD, c->fd, &e);
}

static void drop(struct conn *c) {
  close(c->fd);
  free(c->in);
  free(c->out);
  free(c);
}

static void keep(struct conn *c, const char *data, long len) {
  if (c->out_len + len > c->out_cap) {
    c->out_cap = (c->out_len + len) * 2;
    c->out = realloc(c->out, c->out_cap);
  }
  memcpy(c->out + c->out_len, data, len);
  c->out_len += len;
}

static int put(struct conn *c, const char *data, long len) {
  if (c->out_len == 0) {
    long n = write(c->fd, data, len);
    if (n < 0 && errno != EAGAIN) return -1;
    if (n > 0) data += n, len -= n;
  }
  if (len > 0) keep(c, data, len), watch(c, 1);
  return 0;
}

// Writes what waits; 0 while all is well.
static int flush(struct conn *c) {
  while (c->out_len > 0) {
    long n = write(c->fd, c->out, c->out_len);
    if (n < 0) return errno == EAGAIN ? 0 : -1;
    memmove(c->out, c->out + n, c->out_len - n);
    c->out_len -= n;
  }
  while (c->out_random > 0) {
    long n = write(c->fd, pool, c->out_random < POOL ? c->out_random : POOL);
    if (n < 0) {
      if (errno != EAGAIN) return -1;
      watch(c, 1);
      return 0;
    }
    c->out_random -= n;
  }
  watch(c, 0);
  return c->closing ? -1 : 0;
}

static int respond(struct conn *c, long bytes) {
  char head[256];
  int n = snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nServer: upstream\r\nContent-Type: application/octet-stream\r\nContent-Length: %ld\r\n%s\r\n",
                   bytes, c->closing ? "Connection: close\r\n" : "");
  if (bytes <= 32768) {
    char all[32768 + 256];
    memcpy(all, head, n);
    memcpy(all + n, pool, bytes);
    if (put(c, all, n + bytes) < 0) return -1;
    return c->closing && c->out_len == 0 ? -1 : 0;
  }
  if (put(c, head, n) < 0) return -1;
  c->out_random = bytes;
  return flush(c);
}

static char *field(char *head, const char *name) {
  char *at = strcasestr(head, name);
  return at ? at + strlen(name) : NULL;
}

// Takes one frame off `in`; the bytes that it took, 0 where more are needed.
static long echo(struct conn *c, char *in, long len) {
  if (len < 6) return 0;
  unsigned char *b = (unsigned char *)in;
  long size = b[1] & 127, at = 2;
  if (size == 126) size = b[2] << 8 | b[3], at = 4;
  else if (size == 127) {
    if (len < 14) return 0;
    size = 0;
    for (int i = 0; i < 8; i++) size = size << 8 | b[2 + i];
    at = 10;
  }
  if (len < at + 4 + size) return 0;
  unsigned char *key = b + at, *data = b + at + 4;
  uint32_t mask;
  memcpy(&mask, key, 4);
  long i = 0;
  for (; i + 4 <= size; i += 4) {
    uint32_t v;
    memcpy(&v, data + i, 4);
    v ^= mask;
    memcpy(data + i, &v, 4);
  }
  for (; i < size; i++) data[i] ^= key[i & 3];
  // The header without its key ends where the payload begins.
  unsigned char *out = data - at;
  memmove(out, b, at);
  out[1] &= 127;
  if ((out[0] & 15) == 9) out[0] = 0x8a;
  if (put(c, (char *)out, at + size) < 0) return -1;
  if ((out[0] & 15) == 8) return -1;
  return at + 4 + size;
}

// Works through what has come; -1 where the connection is over.
static int work(struct conn *c) {
  char *in = c->in;
  long left = c->in_len;
  while (left > 0) {
    if (c->state == WEBSOCKET) {
      long n = echo(c, in, left);
      if (n < 0) return -1;
      if (n == 0) break;
      in += n, left -= n;
    } else if (c->state == LENGTH_BODY) {
      long n = left < c->body_left ? left : c->body_left;
      in += n, left -= n, c->body_left -= n;
      if (c->body_left == 0) {
        c->state = HTTP;
        if (respond(c, 2) < 0) return -1;
      }
    } else if (c->state == CHUNKED_BODY) {
      // The benchmark's bodies never hold this by chance within a chunk: they are sent as one alphabet without CR.
      int found = 0;
      while (left > 0 && !found) {
        memmove(c->tail, c->tail + 1, 4);
        c->tail[4] = *in++, left--;
        found = memcmp(c->tail, "0\r\n\r\n", 5) == 0;
      }
      if (found) {
        c->state = HTTP;
        if (respond(c, 2) < 0) return -1;
      }
    } else {
      char *end = memmem(in, left, "\r\n\r\n", 4);
      if (!end) break;
      end[2] = 0;
      char *key = field(in, "\nsec-websocket-key:");
      char *length = field(in, "\ncontent-length:");
      c->closing = field(in, "\nconnection: close") != NULL;
      char *next = end + 4;
      if (key) {
        char text[128], accept[64], reply[256];
        while (*key == ' ') key++;
        int n = snprintf(text, sizeof text, "%.24s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", key);
        unsigned char digest[20];
        sha1((unsigned char *)text, n, digest);
        base64(digest, 20, accept);
        n = snprintf(reply, sizeof reply, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n", accept);
        c->state = WEBSOCKET;
        if (put(c, reply, n) < 0) return -1;
      } else if (length && atol(length) > 0) {
        c->state = LENGTH_BODY;
        c->body_left = atol(length);
      } else if (field(in, "\ntransfer-encoding:")) {
        c->state = CHUNKED_BODY;
        memset(c->tail, 0, 5);
      } else {
        char *path = memchr(in, '/', end - in);
        if (respond(c, path ? atol(path + 1) : 2) < 0) return -1;
      }
      left -= next - in;
      in = next;
    }
  }
  if (left > 0 && in != c->in) memmove(c->in, in, left);
  c->in_len = left;
  return 0;
}

int main(int argc, char **argv) {
  if (argc < 2) return 2;
  signal(SIGPIPE, SIG_IGN);
  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  srandom(1);
  for (int i = 0; i < POOL; i++) pool[i] = random();
  int ls = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), one = 1;
  setsockopt(ls, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  // Any loopback address: there are more than 28,000 connections to one endpoint then.
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[1])), .sin_addr.s_addr = htonl(INADDR_ANY)};
  if (bind(ls, (void *)&a, sizeof a) || listen(ls, 4096)) return perror("listen"), 1;
  ep = epoll_create1(0);
  struct epoll_event e = {.events = EPOLLIN, .data.ptr = NULL}, events[256];
  epoll_ctl(ep, EPOLL_CTL_ADD, ls, &e);
  puts("ready");
  fflush(stdout);
  for (;;) {
    int n = epoll_wait(ep, events, 256, -1);
    for (int i = 0; i < n; i++) {
      struct conn *c = events[i].data.ptr;
      if (!c) {
        int fd;
        while ((fd = accept4(ls, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
          setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
          c = calloc(1, sizeof *c);
          c->fd = fd;
          struct epoll_event add = {.events = EPOLLIN, .data.ptr = c};
          epoll_ctl(ep, EPOLL_CTL_ADD, fd, &add);
        }
        continue;
      }
      if (events[i].events & EPOLLOUT && flush(c) < 0) {
        drop(c);
        continue;
      }
      if (!(events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))) continue;
      // One buffer for those that are idle: thousands of open connections cost little.
      static char spare[IN];
      char *buffer = c->in ? c->in : spare;
      long got = read(c->fd, buffer + c->in_len, IN - c->in_len);
      if (got < 0 && errno == EAGAIN) continue;
      if (got <= 0) {
        drop(c);
        continue;
      }
      c->in = buffer;
      c->in_len += got;
      if (work(c) < 0) {
        if (c->in == spare) c->in = NULL;
        drop(c);
        continue;
      }
      if (c->in == spare) {
        c->in = NULL;
        if (c->in_len > 0) {
          c->in = malloc(IN);
          memcpy(c->in, spare, c->in_len);
        }
      } else if (c->in_len == 0) {
        free(c->in);
        c->in = NULL;
      }
    }
  }
}
