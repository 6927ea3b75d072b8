/* The connections of one load run, and what they count. client.c moves them, works.c decides what they do and when. */
#ifndef KARVON_BENCH_CLIENT_H
#define KARVON_BENCH_CLIENT_H

#include "load.h"

enum mode { MODE_DIRECT, MODE_CONNECT, MODE_SOCKS5, MODE_HTTP };
enum work { WORK_REQUESTS, WORK_TUNNELS, WORK_DOWN, WORK_UP, WORK_HOLD };
/* A main connection is measured; a bulk one downloads beside it; a stalled one asks for much and does not read it. */
enum kind { KIND_MAIN, KIND_BULK, KIND_STALLED };
enum state {
    STATE_CLOSED,
    STATE_CONNECTING,
    STATE_CONNECT_REPLY,
    STATE_SOCKS_METHOD,
    STATE_SOCKS_PASSWORD,
    STATE_SOCKS_REPLY,
    STATE_READY, /* this and all below: the tunnel is up */
    STATE_ANSWER_HEAD,
    STATE_ANSWER_BODY,
    STATE_STALLED
};

struct connection {
    int fd, next_idle;
    enum state state;
    enum kind kind;
    bool wants_write, will_close;
    uint64_t opened_at, due_at;
    char out[1024];
    unsigned out_length, out_sent;
    uint64_t upload_left, upload_sent;
    char in[4096];
    unsigned in_length;
    uint64_t body_left, body_read;
    unsigned answers;
};

struct plan {
    enum mode mode;
    enum work work;
    const char *host; /* what the proxy is asked for: HOST:PORT */
    const char *credentials;
    struct sockaddr_in dial;
    int connections, bulk, stalled, ramp_per_s, sources;
    double seconds, warmup_s, rate_per_s;
    uint64_t answer_bytes, transfer_bytes, stalled_bytes;
    bool verify, resumes, once;
};

struct counters {
    uint64_t requests, opened, reconnects, errors, handshake_failures, bad_bodies;
    uint64_t bytes_in, bytes_out, bulk_bytes_in, resumed_bytes;
    struct histogram latency, setup;
};

struct load {
    struct plan plan;
    struct counters counters;
    struct connection *connections;
    int total, poller;
    int up, pending; /* tunnels up; connections that are on the way */
    int stalled_up, answered_after_hold, resumed_whole, finished;
    bool is_counting, is_stopping;
    char first_error[96];
    /* Open loop: request number n is due at rate_from + n / rate, whether or not the one before was answered. */
    uint64_t rate_from, issued;
    /* Of an open loop those requests are counted that fell due in here, whenever their answer comes. */
    uint64_t due_from, due_to, due_issued;
    int idle_first, idle_last;
};

void load_prepare(struct load *l);
void connection_open(struct load *l, struct connection *c);
/* A stalled connection reads what waits for it, to the end. */
void connection_resume(struct load *l, struct connection *c);
void connection_request(struct load *l, struct connection *c, uint64_t due_at);
/* One round of epoll, no longer than until `until_ns`; then requests that have become due. */
void load_round(struct load *l, uint64_t until_ns);
void load_run_until(struct load *l, uint64_t until_ns);

#endif
