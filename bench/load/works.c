/* The works: what is measured in a run, and the JSON object that says what came out.
 *
 *   requests  one request after another on each connection; with --rate an open loop, latency from the due time
 *   tunnels   connection, handshake, one request, close; again
 *   down, up  transfers of --transfer bytes on each connection; with --once one each, and the run ends with the last
 *   hold      opens the connections, leaves them idle, then asks each for one answer
 *
 * Beside requests: --bulk downloads, --stalled readers that ask and do not read; with --resume those read to the end afterwards.
 */
#include "client.h"

#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define SETTLE_NS (500 * NS_PER_MS)
#define OPEN_NS_MAX (60 * NS_PER_S)
#define START_NS_MAX (5 * NS_PER_S)
#define ANSWER_NS_MAX (60 * NS_PER_S)
#define LATE_NS_MAX (2 * NS_PER_S) /* for what fell due in the measured window and is still on its way */
#define SOURCES_MAX 250
#define PENDING_MAX 256 /* connections on the way at once, so that a listen queue of 511 never overflows */

static const char *const MODE_NAMES[] = {"direct", "connect", "socks5", "http", NULL};
static const char *const WORK_NAMES[] = {"requests", "tunnels", "down", "up", "hold", NULL};
static struct group_list accounted;

struct moment {
    struct usage usage[GROUPS_MAX];
    struct machine_cpu machine;
    double self_s;
    uint64_t at_ns;
};

static struct moment take_moment(bool with_memory) {
    struct moment m;
    groups_sample(&accounted, m.usage, with_memory);
    m.machine = machine_sample();
    m.self_s = self_cpu_s();
    m.at_ns = now_ns();
    return m;
}

/* CPU that neither we nor the accounted processes used, in percent of the machine: how disturbed the run was. */
static double other_percent(const struct moment *from, const struct moment *to) {
    double all = to->machine.all_s - from->machine.all_s, other = to->machine.busy_s - from->machine.busy_s - (to->self_s - from->self_s);
    for (int i = 0; i < accounted.count; i++) other -= to->usage[i].cpu_s - from->usage[i].cpu_s;
    return all > 0 && other > 0 ? 100 * other / all : 0;
}

static double seconds_between(const struct moment *from, const struct moment *to) { return (double)(to->at_ns - from->at_ns) / 1e9; }

static void open_range(struct load *l, int from, int to, double per_s, uint64_t limit_ns) {
    uint64_t begin = now_ns();
    for (int i = from; i < to && now_ns() - begin < limit_ns && !l->is_stopping;) {
        while (i < to && l->pending < PENDING_MAX && (per_s <= 0 || (double)(i - from) < (double)(now_ns() - begin) / 1e9 * per_s))
            connection_open(l, &l->connections[i++]);
        load_round(l, now_ns() + NS_PER_MS);
    }
    /* Tunnels are opened again as soon as they end, so some are always on the way: the warm-up is their wait. */
    bool is_steady = l->plan.work == WORK_TUNNELS;
    while (l->pending && !is_steady && now_ns() - begin < limit_ns && !l->is_stopping) load_round(l, now_ns() + NS_PER_MS);
}

/* Stalled readers first, so that the buffers on their way are full; then bulk; then what is measured. */
static void start_steady(struct load *l, struct moment *stalled_up) {
    int main_count = l->plan.connections, bulk_end = main_count + l->plan.bulk;
    open_range(l, bulk_end, l->total, 0, START_NS_MAX);
    uint64_t limit = now_ns() + START_NS_MAX;
    while (l->stalled_up < l->plan.stalled && now_ns() < limit) load_round(l, now_ns() + NS_PER_MS);
    if (l->plan.stalled) {
        load_run_until(l, now_ns() + SETTLE_NS);
        *stalled_up = take_moment(true);
    }
    open_range(l, main_count, bulk_end, 0, START_NS_MAX);
    open_range(l, 0, main_count, 0, START_NS_MAX);
    l->rate_from = now_ns();
    load_run_until(l, now_ns() + (uint64_t)(l->plan.warmup_s * 1e9));
}

/* Requests that fell due in the window count with their whole latency, however late their answer. */
static void await_late(struct load *l) {
    uint64_t limit = now_ns() + LATE_NS_MAX;
    while (l->plan.rate_per_s > 0 && l->counters.requests < l->due_issued && now_ns() < limit) load_round(l, now_ns() + NS_PER_MS);
}

/* Every byte that waited is read and compared: nothing may be lost or mixed up because nobody read for a while. */
static void resume_stalled(struct load *l) {
    uint64_t limit = now_ns() + ANSWER_NS_MAX;
    l->plan.verify = true;
    for (int i = 0; i < l->total; i++) connection_resume(l, &l->connections[i]);
    while (l->resumed_whole < l->stalled_up && now_ns() < limit) load_round(l, now_ns() + NS_PER_MS);
    printf(",\"resumedWhole\":%d,\"resumedBytes\":%" PRIu64, l->resumed_whole, l->counters.resumed_bytes);
}

static void measure_window(struct load *l, struct moment *from, struct moment *to) {
    uint64_t length_ns = (uint64_t)(l->plan.seconds * 1e9);
    *from = take_moment(false);
    l->is_counting = true;
    l->due_from = now_ns();
    l->due_to = l->due_from + length_ns;
    if (l->plan.once) {
        open_range(l, 0, l->plan.connections, 0, START_NS_MAX);
        while (l->finished < l->plan.connections && now_ns() < l->due_to && !l->is_stopping) load_round(l, now_ns() + NS_PER_MS);
    } else
        load_run_until(l, l->due_to);
    l->is_counting = false;
    *to = take_moment(true);
    await_late(l);
    l->is_stopping = true;
}

static void run_steady(struct load *l) {
    struct counters *k = &l->counters;
    struct moment before = take_moment(l->plan.stalled > 0), stalled_up = before, from, to;
    if (!l->plan.once) start_steady(l, &stalled_up);
    uint64_t errors_before = k->errors;
    measure_window(l, &from, &to);
    double s = seconds_between(&from, &to);
    uint64_t moved = (k->bytes_in > k->bytes_out ? k->bytes_in : k->bytes_out) + k->bulk_bytes_in;
    printf(",\"seconds\":%.3f,\"requests\":%" PRIu64 ",\"requestsPerS\":%.1f,\"tunnels\":%" PRIu64 ",\"tunnelsPerS\":%.1f", s, k->requests,
           (double)k->requests / s, k->opened, (double)k->opened / s);
    printf(",\"downMbPerS\":%.2f,\"upMbPerS\":%.2f,\"bulkMbPerS\":%.2f", (double)k->bytes_in / 1e6 / s, (double)k->bytes_out / 1e6 / s,
           (double)k->bulk_bytes_in / 1e6 / s);
    printf(",\"movedBytes\":%" PRIu64 ",\"reconnects\":%" PRIu64 ",\"stalled\":%d,\"issued\":%" PRIu64 ",\"errorsInRun\":%" PRIu64, moved,
           k->reconnects, l->stalled_up, l->due_issued, k->errors - errors_before);
    if (l->plan.once) printf(",\"finished\":%d", l->finished);
    double all = to.machine.all_s - from.machine.all_s;
    printf(",\"otherCpuPercent\":%.1f,\"stolenCpuPercent\":%.1f,\"clientCpuS\":%.4f", other_percent(&from, &to),
           all > 0 ? 100 * (to.machine.stolen_s - from.machine.stolen_s) / all : 0, to.self_s - from.self_s);
    histogram_print("latencyUs", &k->latency);
    histogram_print("setupUs", &k->setup);
    if (l->plan.stalled) {
        groups_print_memory("memoryBefore", &accounted, before.usage);
        groups_print_memory("memoryStalled", &accounted, stalled_up.usage);
    }
    groups_print_memory("memory", &accounted, to.usage);
    groups_print_cpu("cpuS", &accounted, from.usage, to.usage, 1);
    groups_print_cpu("cpuSPerGb", &accounted, from.usage, to.usage, (double)moved / 1e9);
    groups_print_cpu("cpuUsPerRequest", &accounted, from.usage, to.usage, (double)k->requests / 1e6);
    if (l->plan.resumes) resume_stalled(l);
}

static void ask_every_held(struct load *l) {
    int asked = 0;
    for (int i = 0; i < l->plan.connections; i++) {
        if (l->connections[i].state != STATE_READY) continue;
        asked++;
        connection_request(l, &l->connections[i], now_ns());
        if (i % 64 == 0) load_round(l, now_ns());
    }
    uint64_t limit = now_ns() + ANSWER_NS_MAX;
    while (l->answered_after_hold < asked && now_ns() < limit && l->up > 0) load_round(l, now_ns() + NS_PER_MS);
}

static void run_hold(struct load *l) {
    struct moment before = take_moment(true);
    l->is_counting = true;
    open_range(l, 0, l->plan.connections, l->plan.ramp_per_s, OPEN_NS_MAX);
    l->is_counting = false;
    int opened = l->up;
    load_run_until(l, now_ns() + SETTLE_NS);
    struct moment open = take_moment(true);
    load_run_until(l, now_ns() + (uint64_t)(l->plan.seconds * 1e9));
    struct moment held = take_moment(true);
    int up_after = l->up;
    ask_every_held(l);
    struct moment end = take_moment(true);
    printf(",\"opened\":%d,\"openS\":%.2f,\"heldS\":%.2f,\"upAfterHold\":%d,\"alive\":%d,\"aliveS\":%.2f,\"otherCpuPercent\":%.1f", opened,
           seconds_between(&before, &open), seconds_between(&open, &held), up_after, l->answered_after_hold, seconds_between(&held, &end),
           other_percent(&before, &held));
    histogram_print("setupUs", &l->counters.setup);
    groups_print_memory("memoryBefore", &accounted, before.usage);
    groups_print_memory("memoryOpen", &accounted, open.usage);
    groups_print_memory("memoryHeld", &accounted, held.usage);
    groups_print_cpu("cpuOpenS", &accounted, before.usage, open.usage, 1);
    groups_print_cpu("cpuHoldS", &accounted, open.usage, held.usage, 1);
}

static int index_of(const char *const *names, const char *name, const char *option) {
    for (int i = 0; names[i]; i++)
        if (!strcmp(names[i], name)) return i;
    die("%s does not know %s", option, name);
}

enum option_id { O_MODE = 1, O_WORK, O_PROXY, O_TARGET, O_HOST, O_USER, O_CONNECTIONS, O_SECONDS, O_WARMUP, O_ANSWER, O_TRANSFER, O_RATE, O_RAMP, O_BULK, O_STALLED, O_ACCOUNT, O_FAMILY, O_VERIFY, O_SOURCES, O_STALLED_BYTES, O_RESUME, O_ONCE };

static const struct option OPTIONS[] = {
    {"mode", 1, 0, O_MODE},         {"work", 1, 0, O_WORK},       {"proxy", 1, 0, O_PROXY},   {"target", 1, 0, O_TARGET},
    {"host", 1, 0, O_HOST},         {"user", 1, 0, O_USER},       {"seconds", 1, 0, O_SECONDS}, {"connections", 1, 0, O_CONNECTIONS},
    {"warmup", 1, 0, O_WARMUP},     {"answer", 1, 0, O_ANSWER},   {"rate", 1, 0, O_RATE},     {"transfer", 1, 0, O_TRANSFER},
    {"ramp", 1, 0, O_RAMP},         {"bulk", 1, 0, O_BULK},       {"stalled", 1, 0, O_STALLED}, {"account", 1, 0, O_ACCOUNT},
    {"account-family", 1, 0, O_FAMILY}, {"verify", 0, 0, O_VERIFY}, {"sources", 1, 0, O_SOURCES},
    {"stalled-bytes", 1, 0, O_STALLED_BYTES}, {"resume", 0, 0, O_RESUME}, {"once", 0, 0, O_ONCE}, {0},
};

static struct plan read_plan(int argc, char **argv) {
    struct plan p = {.mode = MODE_CONNECT, .connections = 64, .ramp_per_s = 1000, .seconds = 3, .warmup_s = 0.5, .answer_bytes = 1024,
                     .transfer_bytes = 64u << 20, .stalled_bytes = 1ull << 30, .sources = 1};
    const char *proxy = NULL, *target = NULL;
    for (int o; (o = getopt_long(argc, argv, "", OPTIONS, NULL)) != -1;) switch (o) {
        case O_MODE: p.mode = (enum mode)index_of(MODE_NAMES, optarg, "--mode"); break;
        case O_WORK: p.work = (enum work)index_of(WORK_NAMES, optarg, "--work"); break;
        case O_PROXY: proxy = optarg; break;
        case O_TARGET: target = optarg; break;
        case O_HOST: p.host = optarg; break;
        case O_USER: p.credentials = optarg; break;
        case O_CONNECTIONS: p.connections = atoi(optarg); break;
        case O_SECONDS: p.seconds = atof(optarg); break;
        case O_WARMUP: p.warmup_s = atof(optarg); break;
        case O_ANSWER: p.answer_bytes = strtoull(optarg, NULL, 10); break;
        case O_TRANSFER: p.transfer_bytes = strtoull(optarg, NULL, 10); break;
        case O_RATE: p.rate_per_s = atof(optarg); break;
        case O_RAMP: p.ramp_per_s = atoi(optarg); break;
        case O_BULK: p.bulk = atoi(optarg); break;
        case O_STALLED: p.stalled = atoi(optarg); break;
        case O_ACCOUNT: groups_add(&accounted, optarg, false); break;
        case O_FAMILY: groups_add(&accounted, optarg, true); break;
        case O_VERIFY: p.verify = true; break;
        case O_SOURCES: p.sources = atoi(optarg); break;
        case O_STALLED_BYTES: p.stalled_bytes = strtoull(optarg, NULL, 10); break;
        case O_RESUME: p.resumes = true; break;
        case O_ONCE: p.once = true; break;
        default: die("an option is wrong");
        }
    if (!target || (p.mode != MODE_DIRECT && !proxy)) die("--target is needed, and --proxy in every mode but direct");
    if (p.connections < 1 || p.bulk < 0 || p.stalled < 0 || p.ramp_per_s < 1 || p.transfer_bytes < 1 || p.rate_per_s < 0) die("a number is out of range");
    if (p.sources < 1 || p.sources > SOURCES_MAX || (p.sources > 1 && ntohl(loopback_address(proxy ? proxy : target).sin_addr.s_addr) >> 24 != 127))
        die("--sources takes up to %d, for a loopback proxy", SOURCES_MAX);
    if (p.seconds + p.warmup_s > SECONDS_MAX || p.connections + p.bulk + p.stalled > CONNECTIONS_MAX)
        die("a run is at most %d s and %d connections", SECONDS_MAX, CONNECTIONS_MAX);
    if (p.credentials && (strlen(p.credentials) > 380 || !strchr(p.credentials, ':'))) die("--user takes USER:PASSWORD of at most 380 bytes");
    struct sockaddr_in origin = loopback_address(target);
    p.dial = p.mode == MODE_DIRECT ? origin : loopback_address(proxy);
    if (!p.host) p.host = target;
    return p;
}

int run_load(int argc, char **argv) {
    static struct load load; /* static: two histograms of 20 KB each are no guests for the stack */
    load.plan = read_plan(argc, argv);
    if (load.plan.work != WORK_REQUESTS && (load.plan.bulk || load.plan.stalled)) die("--bulk and --stalled belong to --work requests");
    raise_descriptor_limit();
    signal(SIGPIPE, SIG_IGN);
    end_with_parent();
    load_prepare(&load);
    printf("{\"mode\":\"%s\",\"work\":\"%s\",\"connections\":%d,\"rate\":%.0f", MODE_NAMES[load.plan.mode], WORK_NAMES[load.plan.work],
           load.plan.connections, load.plan.rate_per_s);
    if (load.plan.work == WORK_HOLD)
        run_hold(&load);
    else
        run_steady(&load);
    const struct counters *k = &load.counters;
    printf(",\"errors\":%" PRIu64 ",\"handshakeFailures\":%" PRIu64 ",\"badBodies\":%" PRIu64 ",\"firstError\":\"%s\"}\n", k->errors,
           k->handshake_failures, k->bad_bodies, load.first_error);
    return k->errors || k->bad_bodies ? 1 : 0;
}
