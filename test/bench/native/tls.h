// TLS for load.c: what stands between a connection and its bytes.
static void begin(struct conn *c);
static void done(struct conn *c);
static void failed(struct conn *c);

#ifdef TLS
static SSL_CTX *context;
// What every further connection resumes.
static SSL_SESSION *ticket;

static int keep_ticket(SSL *ssl, SSL_SESSION *session) {
  if (!ticket && resumed) {
    ticket = session;
    return 1;
  }
  return 0;
}

static int start_tls(void) {
  context = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
  SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256");
  SSL_CTX_set1_groups_list(context, "P-256");
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context, keep_ticket);
  return 1;
}

// 1 where the connection can be read from; 0 where it waits, or was replaced.
static int shake_hands(struct conn *c) {
  int result = SSL_do_handshake(c->ssl);
  if (result != 1) {
    if (SSL_get_error(c->ssl, result) != SSL_ERROR_WANT_READ) failed(c);
    return 0;
  }
  if (!handshakes || (resumed && !c->offered)) {
    begin(c);
    return 1;
  }
  if (SSL_session_reused(c->ssl) != resumed) failed(c);
  else done(c);
  return 0;
}

static void secure_conn(struct conn *c) {
  c->state = SECURING;
  c->ssl = SSL_new(context);
  SSL_set_tlsext_host_name(c->ssl, "localhost");
  SSL_set_fd(c->ssl, c->fd);
  SSL_set_connect_state(c->ssl);
  c->offered = ticket != NULL;
  if (ticket) {
    // OpenSSL resumes a session of TLS 1.3 once; each connection gets a copy.
    SSL_SESSION *copy = SSL_SESSION_dup(ticket);
    SSL_set_session(c->ssl, copy);
    SSL_SESSION_free(copy);
  }
  shake_hands(c);
}

static long told(SSL *ssl, int result) {
  if (result > 0) return result;
  int error = SSL_get_error(ssl, result);
  errno = error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? EAGAIN : EPROTO;
  return error == SSL_ERROR_ZERO_RETURN ? 0 : -1;
}

static long put(struct conn *c, const char *data, int len) {
  return c->ssl ? told(c->ssl, SSL_write(c->ssl, data, len)) : write(c->fd, data, len);
}

static long get(struct conn *c, char *in, int len) {
  return c->ssl ? told(c->ssl, SSL_read(c->ssl, in, len)) : read(c->fd, in, len);
}

static void hang_up(struct conn *c) {
  if (c->ssl) {
    // Without it OpenSSL takes the session for broken, and resumes it no more.
    SSL_shutdown(c->ssl);
    SSL_free(c->ssl);
    ERR_clear_error();
    c->ssl = NULL;
  }
  close(c->fd);
}
#else
static int start_tls(void) { return 0; }
static int shake_hands(struct conn *c) { return c != NULL; }
static void secure_conn(struct conn *c) { failed(c); }
static long put(struct conn *c, const char *data, int len) { return write(c->fd, data, len); }
static long get(struct conn *c, char *in, int len) { return read(c->fd, in, len); }
static void hang_up(struct conn *c) { close(c->fd); }
#endif
