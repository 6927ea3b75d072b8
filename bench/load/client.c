#include "client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define EVENTS_PER_ROUND 512
#define ROUND_NS_MAX (50 * NS_PER_MS)
#define ERRORS_MAX 20000           /* after this many the run is pointless */
#define FAILED_HANDSHAKES_MAX 200  /* the same, when nothing is up */
#define STALLED_RECEIVE_BUFFER 16384
#define CREDENTIALS_MAX 400
#define SOURCE_NETWORK 0x7f010000u /* 127.1.0.0 */
#define VERDICT "ok!"

static bool is_coming_up(enum state state) { return state > STATE_CLOSED && state < STATE_READY; }
static bool is_up(enum state state) { return state >= STATE_READY; }

void load_prepare(struct load *l) {
    l->idle_first = l->idle_last = -1;
    l->poller = epoll_create1(EPOLL_CLOEXEC);
    l->total = l->plan.connections + l->plan.bulk + l->plan.stalled;
    l->connections = calloc((size_t)l->total, sizeof *l->connections);
    if (!l->connections) die("out of memory for %d connections", l->total);
    for (int i = 0; i < l->total; i++) {
        struct connection *c = &l->connections[i];
        c->fd = -1;
        c->kind = i < l->plan.connections ? KIND_MAIN : i < l->plan.connections + l->plan.bulk ? KIND_BULK : KIND_STALLED;
    }
}

/* ---- closing and failing ---- */

static void close_connection(struct load *l, struct connection *c) {
    if (is_coming_up(c->state)) l->pending--;
    if (is_up(c->state)) l->up--;
    if (c->fd >= 0) close(c->fd);
    c->fd = -1;
    c->state = STATE_CLOSED;
}

static void reopen(struct load *l, struct connection *c) {
    close_connection(l, c);
    if (!l->is_stopping) connection_open(l, c);
}

static void fail(struct load *l, struct connection *c, const char *why) {
    bool was_coming_up = is_coming_up(c->state);
    close_connection(l, c);
    if (l->is_stopping) return;
    l->counters.errors++;
    if (was_coming_up) l->counters.handshake_failures++;
    if (!*l->first_error) snprintf(l->first_error, sizeof l->first_error, "%s", why);
    bool is_hopeless = was_coming_up && l->counters.handshake_failures > FAILED_HANDSHAKES_MAX && l->up == 0;
    if (l->plan.work == WORK_HOLD) return;
    if (l->counters.errors > ERRORS_MAX || is_hopeless) {
        l->is_stopping = true;
        return;
    }
    connection_open(l, c);
}

/* Names the first line of what came instead of what was expected. */
static void fail_with_line(struct load *l, struct connection *c, const char *what) {
    char text[80];
    snprintf(text, sizeof text, "%s: %.60s", what, c->in);
    for (char *at = text; *at; at++)
        if (*at < ' ' || *at == '"' || *at == '\\') *at = *at == '\r' ? 0 : '\'';
    fail(l, c, text);
}

/* ---- sending ---- */

static void watch_writes(struct load *l, struct connection *c, bool wanted) {
    if (c->wants_write == wanted) return;
    c->wants_write = wanted;
    struct epoll_event event = {EPOLLIN | (wanted ? EPOLLOUT : 0), {.ptr = c}};
    epoll_ctl(l->poller, EPOLL_CTL_MOD, c->fd, &event);
}

/* Sends the head, then the upload's body, as far as the socket takes them. */
static bool send_out(struct load *l, struct connection *c) {
    while (c->out_sent < c->out_length || c->upload_left) {
        bool is_head = c->out_sent < c->out_length;
        const void *from = is_head ? (const void *)(c->out + c->out_sent) : pattern + c->upload_sent % PATTERN_BYTES;
        uint64_t left = is_head ? c->out_length - c->out_sent : c->upload_left;
        ssize_t n = send(c->fd, from, left > PATTERN_BYTES ? PATTERN_BYTES : left, MSG_NOSIGNAL | (is_head && c->upload_left ? MSG_MORE : 0));
        if (n < 0) {
            if (errno != EAGAIN) return false;
            watch_writes(l, c, true);
            return true;
        }
        if (is_head)
            c->out_sent += (unsigned)n;
        else {
            c->upload_left -= (uint64_t)n;
            c->upload_sent += (uint64_t)n;
            if (l->is_counting) l->counters.bytes_out += (uint64_t)n;
        }
    }
    watch_writes(l, c, false);
    return true;
}

static void send_message(struct load *l, struct connection *c, int length) {
    if (length < 0 || (size_t)length >= sizeof c->out) die("a request does not fit %zu bytes", sizeof c->out);
    c->out_length = (unsigned)length;
    c->out_sent = 0;
    c->in_length = 0;
    if (!send_out(l, c)) fail(l, c, "send failed");
}

static void base64(const char *text, char *out) {
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t length = strlen(text);
    for (size_t i = 0; i < length; i += 3) {
        unsigned b1 = i + 1 < length ? (unsigned char)text[i + 1] : 0, b2 = i + 2 < length ? (unsigned char)text[i + 2] : 0;
        unsigned bits = (unsigned)(unsigned char)text[i] << 16 | b1 << 8 | b2;
        *out++ = letters[bits >> 18];
        *out++ = letters[bits >> 12 & 63];
        *out++ = i + 1 < length ? letters[bits >> 6 & 63] : '=';
        *out++ = i + 2 < length ? letters[bits & 63] : '=';
    }
    *out = 0;
}

/* "Proxy-Authorization: Basic ...\r\n", or nothing; made once. */
static const char *authorization_line(const struct plan *plan) {
    static char line[CREDENTIALS_MAX * 2];
    if (!*line && plan->credentials) {
        char encoded[CREDENTIALS_MAX * 4 / 3 + 8];
        base64(plan->credentials, encoded);
        snprintf(line, sizeof line, "Proxy-Authorization: Basic %s\r\n", encoded);
    }
    return line;
}

/* ---- opening ---- */

/* Many customers have many addresses; and one address has 28,000 ports, which short connections use up. */
static void choose_source(const struct load *l, const struct connection *c) {
    if (l->plan.sources < 2) return;
    int late = 1;
    setsockopt(c->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &late, sizeof late);
    uint32_t host = SOURCE_NETWORK + 1 + (uint32_t)((c - l->connections) % l->plan.sources);
    struct sockaddr_in source = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(host)};
    if (bind(c->fd, (struct sockaddr *)&source, sizeof source)) die("bind: %s", strerror(errno));
}

void connection_open(struct load *l, struct connection *c) {
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->fd < 0) die("socket: %s", strerror(errno));
    no_delay(c->fd);
    choose_source(l, c);
    int small = STALLED_RECEIVE_BUFFER;
    if (c->kind == KIND_STALLED) setsockopt(c->fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    c->opened_at = now_ns();
    c->in_length = c->out_length = c->out_sent = c->answers = 0;
    c->upload_left = c->body_left = 0;
    c->will_close = false;
    c->state = STATE_CONNECTING;
    c->wants_write = true;
    l->pending++;
    struct epoll_event event = {EPOLLIN | EPOLLOUT, {.ptr = c}};
    epoll_ctl(l->poller, EPOLL_CTL_ADD, c->fd, &event);
    /* A refusal at once is reported by epoll as well, so that a failed open never opens again from inside itself. */
    (void)!connect(c->fd, (const struct sockaddr *)&l->plan.dial, sizeof l->plan.dial);
}

static void wait_for_due(struct load *l, struct connection *c) {
    int index = (int)(c - l->connections);
    c->next_idle = -1;
    if (l->idle_last < 0)
        l->idle_first = index;
    else
        l->connections[l->idle_last].next_idle = index;
    l->idle_last = index;
}

static void next_request(struct load *l, struct connection *c) {
    if (l->plan.rate_per_s > 0 && c->kind == KIND_MAIN)
        wait_for_due(l, c);
    else
        connection_request(l, c, now_ns());
}

static void tunnel_is_up(struct load *l, struct connection *c) {
    l->pending--;
    l->up++;
    c->state = STATE_READY;
    c->in_length = 0;
    if (c->kind == KIND_MAIN && l->is_counting) {
        l->counters.opened++;
        histogram_add(&l->counters.setup, now_ns() - c->opened_at);
    }
    if (l->plan.work != WORK_HOLD) next_request(l, c);
}

static void tcp_is_up(struct load *l, struct connection *c) {
    int problem = 0;
    socklen_t size = sizeof problem;
    getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &problem, &size);
    if (problem) {
        fail(l, c, strerror(problem));
        return;
    }
    watch_writes(l, c, false);
    if (l->plan.mode == MODE_CONNECT) {
        c->state = STATE_CONNECT_REPLY;
        send_message(l, c,
                     snprintf(c->out, sizeof c->out, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n%s\r\n", l->plan.host, l->plan.host,
                              authorization_line(&l->plan)));
    } else if (l->plan.mode == MODE_SOCKS5) {
        c->state = STATE_SOCKS_METHOD;
        memcpy(c->out, (char[]){5, 1, l->plan.credentials ? 2 : 0}, 3);
        send_message(l, c, 3);
    } else
        tunnel_is_up(l, c);
}

/* ---- SOCKS5: RFC 1928, RFC 1929 ---- */

static void socks_password(struct load *l, struct connection *c) {
    const char *user = l->plan.credentials, *colon = strchr(user, ':');
    size_t user_length = (size_t)(colon - user), secret_length = strlen(colon + 1);
    if (user_length > 255 || secret_length > 255) die("SOCKS5 credentials are at most 255 bytes each");
    char *at = c->out;
    *at++ = 1;
    *at++ = (char)user_length;
    at = (char *)memcpy(at, user, user_length) + user_length;
    *at++ = (char)secret_length;
    at = (char *)memcpy(at, colon + 1, secret_length) + secret_length;
    c->state = STATE_SOCKS_PASSWORD;
    send_message(l, c, (int)(at - c->out));
}

static void socks_request(struct load *l, struct connection *c) {
    const char *colon = strrchr(l->plan.host, ':');
    unsigned port = (unsigned)atoi(colon + 1);
    char name[256], *at = c->out;
    struct in_addr address;
    snprintf(name, sizeof name, "%.*s", (int)(colon - l->plan.host), l->plan.host);
    at = (char *)memcpy(at, (char[]){5, 1, 0}, 3) + 3;
    if (inet_pton(AF_INET, name, &address) == 1) {
        *at++ = 1;
        at = (char *)memcpy(at, &address, 4) + 4;
    } else {
        *at++ = 3;
        *at++ = (char)strlen(name);
        at = (char *)memcpy(at, name, strlen(name)) + strlen(name);
    }
    *at++ = (char)(port >> 8);
    *at++ = (char)port;
    c->state = STATE_SOCKS_REPLY;
    send_message(l, c, (int)(at - c->out));
}

static void read_socks(struct load *l, struct connection *c) {
    if (c->in_length < 2) return;
    char text[32];
    snprintf(text, sizeof text, "SOCKS5 step %d: %d", c->state - STATE_SOCKS_METHOD, (unsigned char)c->in[1]);
    if (c->state == STATE_SOCKS_METHOD) {
        if (c->in[1] == 2 && l->plan.credentials)
            socks_password(l, c);
        else if (c->in[1] == 0)
            socks_request(l, c);
        else
            fail(l, c, text);
        return;
    }
    if (c->in[1]) {
        fail(l, c, text);
        return;
    }
    if (c->state == STATE_SOCKS_PASSWORD) {
        socks_request(l, c);
        return;
    }
    if (c->in_length < 5) return;
    unsigned wanted = c->in[3] == 1 ? 10 : c->in[3] == 4 ? 22 : 7 + (unsigned)(unsigned char)c->in[4];
    if (c->in_length >= wanted) tunnel_is_up(l, c);
}

/* ---- requests and answers ---- */

void connection_request(struct load *l, struct connection *c, uint64_t due_at) {
    const struct plan *plan = &l->plan;
    bool is_main = c->kind == KIND_MAIN, is_absolute = plan->mode == MODE_HTTP;
    const char *scheme = is_absolute ? "http://" : "", *authority = is_absolute ? plan->host : "";
    const char *authorization = is_absolute ? authorization_line(plan) : "";
    c->state = STATE_ANSWER_HEAD;
    c->due_at = due_at;
    if (is_main && plan->work == WORK_UP) {
        c->upload_left = plan->transfer_bytes;
        c->upload_sent = 0;
        send_message(l, c,
                     snprintf(c->out, sizeof c->out, "POST %s%s/u HTTP/1.1\r\nHost: %s\r\n%sContent-Length: %" PRIu64 "\r\n\r\n", scheme,
                              authority, plan->host, authorization, plan->transfer_bytes));
        return;
    }
    bool is_transfer = c->kind == KIND_BULK || plan->work == WORK_DOWN;
    uint64_t bytes = c->kind == KIND_STALLED ? plan->stalled_bytes : is_transfer ? plan->transfer_bytes : plan->answer_bytes;
    send_message(l, c,
                 snprintf(c->out, sizeof c->out, "GET %s%s/b/%" PRIu64 " HTTP/1.1\r\nHost: %s\r\n%s%s\r\n", scheme, authority, bytes,
                          plan->host, authorization, is_main && plan->work == WORK_TUNNELS ? "Connection: close\r\n" : ""));
}

static bool is_counted(const struct load *l, const struct connection *c) {
    if (l->plan.rate_per_s <= 0) return l->is_counting;
    return l->due_from && c->due_at >= l->due_from && c->due_at < l->due_to;
}

static void answer_is_whole(struct load *l, struct connection *c) {
    c->answers++;
    c->state = STATE_READY;
    if (l->plan.work == WORK_HOLD) {
        l->answered_after_hold++;
        return;
    }
    if (c->kind == KIND_STALLED) {
        l->resumed_whole++;
        return;
    }
    if (c->kind == KIND_MAIN && is_counted(l, c)) {
        l->counters.requests++;
        histogram_add(&l->counters.latency, now_ns() - c->due_at);
    }
    if (l->is_stopping) return;
    if (c->kind == KIND_MAIN && l->plan.once) {
        l->finished++;
        return;
    }
    if (c->kind == KIND_MAIN && l->plan.work == WORK_TUNNELS) {
        reopen(l, c);
    } else if (c->will_close) {
        if (l->is_counting) l->counters.reconnects++;
        reopen(l, c);
    } else
        next_request(l, c);
}

static void take_body(struct load *l, struct connection *c, const char *bytes, size_t n) {
    if (n > c->body_left) n = c->body_left;
    bool is_verdict = l->plan.work == WORK_UP && c->kind == KIND_MAIN;
    const void *wanted = is_verdict ? (const void *)(VERDICT + c->body_read % sizeof VERDICT) : pattern + c->body_read % PATTERN_BYTES;
    if ((is_verdict || l->plan.verify) && memcmp(bytes, wanted, n)) l->counters.bad_bodies++;
    if (c->kind == KIND_STALLED)
        l->counters.resumed_bytes += n;
    else if (l->is_counting)
        *(c->kind == KIND_MAIN ? &l->counters.bytes_in : &l->counters.bulk_bytes_in) += n;
    c->body_read += n;
    c->body_left -= n;
    if (!c->body_left) answer_is_whole(l, c);
}

static void stall(struct load *l, struct connection *c) {
    c->state = STATE_STALLED;
    l->stalled_up++;
    struct epoll_event none = {0, {.ptr = c}};
    epoll_ctl(l->poller, EPOLL_CTL_MOD, c->fd, &none);
}

void connection_resume(struct load *l, struct connection *c) {
    if (c->state != STATE_STALLED) return;
    c->state = STATE_ANSWER_BODY;
    struct epoll_event readable = {EPOLLIN, {.ptr = c}};
    epoll_ctl(l->poller, EPOLL_CTL_MOD, c->fd, &readable);
    if (c->in_length) take_body(l, c, c->in, c->in_length);
}

static void read_answer_head(struct load *l, struct connection *c) {
    char *end = strstr(c->in, "\r\n\r\n");
    if (!end) {
        if (c->in_length >= sizeof c->in - 1) fail(l, c, "an answer's head is too long");
        return;
    }
    const char *length = header_value(c->in, "Content-Length"), *connection = header_value(c->in, "Connection");
    if (c->in_length < 12 || atoi(c->in + 9) != 200 || !length) {
        fail_with_line(l, c, "answer");
        return;
    }
    c->will_close = connection && !strncasecmp(connection, "close", 5);
    c->body_left = strtoull(length, NULL, 10);
    c->body_read = 0;
    size_t early = c->in_length - (size_t)(end + 4 - c->in);
    if (c->kind == KIND_STALLED) {
        memmove(c->in, end + 4, early);
        c->in_length = (unsigned)early;
        stall(l, c);
        return;
    }
    c->state = STATE_ANSWER_BODY;
    if (early || !c->body_left) take_body(l, c, end + 4, early);
}

static void read_connect_reply(struct load *l, struct connection *c) {
    if (!strstr(c->in, "\r\n\r\n")) {
        if (c->in_length >= sizeof c->in - 1) fail(l, c, "a CONNECT reply is too long");
    } else if (atoi(c->in + 9) != 200)
        fail_with_line(l, c, "CONNECT");
    else
        tunnel_is_up(l, c);
}

static const char *end_reason(const struct connection *c, ssize_t n) {
    if (n < 0) return "the connection was reset";
    if (c->state == STATE_READY) return "closed while idle";
    if (c->state == STATE_ANSWER_HEAD) return "closed before the answer";
    return c->state == STATE_ANSWER_BODY ? "closed in a body" : "closed in the handshake";
}

/* Between two requests of a keep-alive connection a proxy may close: then the request goes out again. */
static bool may_have_closed(const struct load *l, const struct connection *c) {
    return l->plan.work != WORK_HOLD && c->kind == KIND_MAIN && c->answers > 0 && c->in_length == 0 &&
           (c->state == STATE_ANSWER_HEAD || c->state == STATE_READY);
}

static void read_connection(struct load *l, struct connection *c) {
    bool is_body = c->state == STATE_ANSWER_BODY;
    char *into = is_body ? scratch : c->in + c->in_length;
    ssize_t n = recv(c->fd, into, is_body ? SCRATCH_BYTES : sizeof c->in - 1 - c->in_length, 0);
    if (n < 0 && errno == EAGAIN) return;
    if (n == 0 && may_have_closed(l, c)) {
        if (l->is_counting) l->counters.reconnects++;
        reopen(l, c);
        return;
    }
    if (n <= 0) {
        fail(l, c, end_reason(c, n));
        return;
    }
    if (is_body) {
        take_body(l, c, scratch, (size_t)n);
        return;
    }
    c->in_length += (unsigned)n;
    c->in[c->in_length] = 0;
    if (c->state == STATE_CONNECT_REPLY)
        read_connect_reply(l, c);
    else if (c->state == STATE_ANSWER_HEAD)
        read_answer_head(l, c);
    else if (c->state == STATE_READY)
        fail(l, c, "bytes that nobody asked for");
    else
        read_socks(l, c);
}

/* ---- rounds ---- */

static void serve_event(struct load *l, struct connection *c, uint32_t events) {
    if (c->fd < 0) return;
    if (c->state == STATE_CONNECTING) {
        if (events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) tcp_is_up(l, c);
        return;
    }
    if (c->state == STATE_STALLED) {
        if (events & (EPOLLERR | EPOLLHUP)) close_connection(l, c);
        return;
    }
    if ((events & EPOLLOUT) && !send_out(l, c)) {
        fail(l, c, "send failed");
        return;
    }
    if (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) read_connection(l, c);
}

static uint64_t next_due(const struct load *l) { return l->rate_from + (uint64_t)((double)l->issued * (1e9 / l->plan.rate_per_s)); }

static bool has_rate(const struct load *l) { return l->plan.rate_per_s > 0 && l->rate_from && !l->is_stopping; }

static void issue_due_requests(struct load *l) {
    uint64_t now = now_ns();
    while (l->idle_first >= 0 && next_due(l) <= now) {
        struct connection *c = &l->connections[l->idle_first];
        l->idle_first = c->next_idle;
        if (l->idle_first < 0) l->idle_last = -1;
        if (c->state != STATE_READY) continue;
        uint64_t due = next_due(l);
        l->issued++;
        if (l->due_from && due >= l->due_from && due < l->due_to) l->due_issued++;
        connection_request(l, c, due);
    }
}

/* epoll_pwait2 waits in ns; on a kernel without it (before 5.11) the wait is rounded down, which spins but stays exact. */
static int wait_events(int poller, struct epoll_event *events, uint64_t wait_ns) {
    struct timespec wait = {(time_t)(wait_ns / NS_PER_S), (long)(wait_ns % NS_PER_S)};
    static bool is_missing;
    if (!is_missing) {
        long n = syscall(SYS_epoll_pwait2, poller, events, EVENTS_PER_ROUND, &wait, NULL, 0);
        if (n >= 0 || errno != ENOSYS) return (int)n;
        is_missing = true;
    }
    return epoll_wait(poller, events, EVENTS_PER_ROUND, (int)(wait_ns / NS_PER_MS));
}

void load_round(struct load *l, uint64_t until_ns) {
    struct epoll_event events[EVENTS_PER_ROUND];
    uint64_t now = now_ns(), wait = until_ns > now ? until_ns - now : 0;
    int n = wait_events(l->poller, events, wait > ROUND_NS_MAX ? ROUND_NS_MAX : wait);
    for (int i = 0; i < n; i++) serve_event(l, events[i].data.ptr, events[i].events);
    if (has_rate(l)) issue_due_requests(l);
}

void load_run_until(struct load *l, uint64_t until_ns) {
    while (now_ns() < until_ns && !l->is_stopping) {
        bool has_due = has_rate(l) && l->idle_first >= 0 && next_due(l) < until_ns;
        load_round(l, has_due ? next_due(l) : until_ns);
    }
}
