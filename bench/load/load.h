/* The benchmark's load generator: what its files share.
 *
 * Promises: loopback addresses and the two of link.c only; at most SECONDS_MAX seconds and CONNECTIONS_MAX connections; one JSON object on
 * standard output; ends when its parent ends. One thread, no allocation in the measured window but new connections.
 * Non-promises: IPv6, TLS, HTTP/2, chunked bodies (the origin here never sends one).
 */
#ifndef KARVON_BENCH_LOAD_H
#define KARVON_BENCH_LOAD_H

#define _GNU_SOURCE
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define SECONDS_MAX 7200
#define CONNECTIONS_MAX 60000
#define NS_PER_S 1000000000ull
#define NS_PER_MS 1000000ull

/* ---- common.c ---- */

/* Every body is this pattern from offset 0, so that both ends can check any byte of it. It is stored twice over:
 * PATTERN_BYTES bytes may be read from any offset below PATTERN_BYTES. */
#define PATTERN_BYTES (1u << 20)
extern unsigned char pattern[PATTERN_BYTES * 2];
void pattern_fill(void);

/* Where bytes that nobody keeps are read into. */
#define SCRATCH_BYTES (256 * 1024)
extern char scratch[SCRATCH_BYTES];

_Noreturn void die(const char *format, ...) __attribute__((format(printf, 1, 2)));
uint64_t now_ns(void);
struct sockaddr_in loopback_address(const char *text);
void raise_descriptor_limit(void);
void end_with_parent(void);
void no_delay(int fd);
/* The value of a header in a NUL-terminated head; NULL when it is absent. */
const char *header_value(const char *head, const char *name);

/* ---- histogram.c: latencies in ns, each power of two in 64 steps (1.6 % wide) ---- */

#define HISTOGRAM_STEPS 64
#define HISTOGRAM_BUCKETS (HISTOGRAM_STEPS * 40)
struct histogram {
    uint64_t buckets[HISTOGRAM_BUCKETS];
    uint64_t count, max;
    double sum;
};
void histogram_add(struct histogram *h, uint64_t ns);
void histogram_print(const char *name, const struct histogram *h);

/* ---- account.c: what the processes under test cost, read from /proc ---- */

#define GROUPS_MAX 8
#define GROUP_PIDS_MAX 16
struct usage {
    double cpu_s;
    long rss_kb, pss_kb, anon_kb;
    int processes;
};
struct group {
    char name[32];
    int pids[GROUP_PIDS_MAX];
    int pid_count;
    bool is_family; /* children count too */
};
struct group_list {
    struct group groups[GROUPS_MAX];
    int count;
};
struct machine_cpu {
    double busy_s, stolen_s, all_s;
};
void groups_add(struct group_list *list, const char *text, bool is_family); /* "server=12" or "node=13+14" */
void groups_sample(const struct group_list *list, struct usage *out, bool with_memory);
void groups_print_memory(const char *name, const struct group_list *list, const struct usage *at);
void groups_print_cpu(const char *name, const struct group_list *list, const struct usage *from, const struct usage *to, double divisor);
struct machine_cpu machine_sample(void);
double self_cpu_s(void);

/* ---- origin.c, works.c, churn.c, link.c ---- */

int run_origin(int argc, char **argv);
int run_load(int argc, char **argv);
int run_churn(int argc, char **argv);
int run_link(int argc, char **argv);

#endif
