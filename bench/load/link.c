/* A slow, lossy link between two network namespaces of our own, for kernels without netem.
 *
 *   load link --delay-ms D [--jitter-ms J] [--loss-percent L] [--rate-mbit R] [--queue-kb Q] [--congestion NAME]
 *
 * Makes two namespaces, near (198.18.0.1) and far (198.18.0.2), each with a TUN device, and carries the packets between them.
 * D, J and L hold for each direction: the round trip is 2 D. Prints {"pid":N,"near":FD,"far":FD} when the link is up; programs enter
 * through /proc/N/fd/FD. On SIGTERM it prints one JSON object with what it carried and dropped, and ends. The namespaces
 * vanish with the last process in them.
 *
 * Promises: packets never change order (jitter delays what follows as well); the rate is kept by departure times, so a late
 * wake-up costs no rate; every lost packet is counted as loss, as a full queue, or as the device's own drop.
 * Limits: packets of 1,500 bytes, PACKETS_MAX in flight a direction. Needs root. The addresses are those that RFC 2544 keeps for
 * measurements; nothing routes them.
 */
#include "load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define PACKETS_MAX (1u << 16)
#define MTU 1500
#define PACKETS_PER_READ 256
#define DEVICE_QUEUE 10000 /* so that a late wake-up delays packets and does not drop them */
#define NICE (-10)
#define DEVICE "link0"

struct packet {
    uint64_t due;
    unsigned length;
    unsigned char bytes[MTU];
};

struct direction {
    int from, to;
    struct packet *ring;
    unsigned head, tail; /* head: next to deliver; both count up for ever */
    uint64_t busy_until, last_due;
    uint64_t packets, bytes, lost, overflowed, undelivered;
    unsigned waiting_max;
};

struct shape {
    double delay_ms, jitter_ms, loss_percent, rate_mbit;
    uint64_t queue_bytes;
    const char *congestion;
};

static struct shape shape = {.queue_bytes = 1500 * 1000};
static volatile sig_atomic_t is_ending;
static uint64_t random_state = 0x2545f4914f6cdd1dull;

static void end_soon(int signal_number) {
    (void)signal_number;
    is_ending = 1;
}

/* xorshift64*, 0 <= x < 1: the same losses in every run. */
static double random_unit(void) {
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return (double)((random_state * 0x2545f4914f6cdd1dull) >> 11) / 9007199254740992.0;
}

static void set_flags_up(int control, const char *device) {
    struct ifreq request = {0};
    snprintf(request.ifr_name, sizeof request.ifr_name, "%s", device);
    if (ioctl(control, SIOCGIFFLAGS, &request)) die("%s: %s", device, strerror(errno));
    request.ifr_flags |= IFF_UP | IFF_RUNNING;
    if (ioctl(control, SIOCSIFFLAGS, &request)) die("%s up: %s", device, strerror(errno));
}

static void set_address(int control, unsigned long what, const char *address) {
    struct ifreq request = {0};
    struct sockaddr_in in = {.sin_family = AF_INET};
    snprintf(request.ifr_name, sizeof request.ifr_name, "%s", DEVICE);
    inet_pton(AF_INET, address, &in.sin_addr);
    memcpy(&request.ifr_addr, &in, sizeof in);
    if (ioctl(control, what, &request)) die("%s %s: %s", DEVICE, address, strerror(errno));
}

static void set_number(int control, unsigned long what, int value) {
    struct ifreq request = {0};
    snprintf(request.ifr_name, sizeof request.ifr_name, "%s", DEVICE);
    request.ifr_mtu = value; /* the same place as ifr_qlen */
    if (ioctl(control, what, &request)) die("%s: %s", DEVICE, strerror(errno));
}

/* A namespace of our own, entered: loopback up, the device up. Returns its descriptor; `tun` is the device's. */
static int open_side(const char *own, const char *peer, int *tun) {
    if (unshare(CLONE_NEWNET)) die("a network namespace needs root: %s", strerror(errno));
    int space = open("/proc/self/ns/net", O_RDONLY); /* no O_CLOEXEC: others open it through /proc */
    *tun = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    struct ifreq request = {0};
    snprintf(request.ifr_name, sizeof request.ifr_name, "%s", DEVICE);
    request.ifr_flags = IFF_TUN | IFF_NO_PI;
    if (space < 0 || *tun < 0 || ioctl(*tun, TUNSETIFF, &request)) die("/dev/net/tun: %s", strerror(errno));
    int control = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    set_flags_up(control, "lo");
    set_address(control, SIOCSIFADDR, own);
    set_address(control, SIOCSIFDSTADDR, peer);
    set_number(control, SIOCSIFMTU, MTU);
    set_number(control, SIOCSIFTXQLEN, DEVICE_QUEUE);
    set_flags_up(control, DEVICE);
    close(control);
    if (!shape.congestion) return space;
    int setting = open("/proc/sys/net/ipv4/tcp_congestion_control", O_WRONLY | O_CLOEXEC);
    if (setting < 0 || write(setting, shape.congestion, strlen(shape.congestion)) < 0) die("%s: %s", shape.congestion, strerror(errno));
    close(setting);
    return space;
}

/* When a packet of this length leaves the far end; 0 when the queue before the link is full. */
static uint64_t due_of(struct direction *d, unsigned length, uint64_t now) {
    uint64_t leaves = now;
    if (shape.rate_mbit > 0) {
        uint64_t starts = d->busy_until > now ? d->busy_until : now;
        if ((double)(starts - now) / 1e9 * shape.rate_mbit * 125e3 + length > (double)shape.queue_bytes) return 0;
        leaves = d->busy_until = starts + (uint64_t)(length * 8e3 / shape.rate_mbit);
    }
    double delay_ms = shape.delay_ms + (2 * random_unit() - 1) * shape.jitter_ms;
    uint64_t due = leaves + (uint64_t)((delay_ms > 0 ? delay_ms : 0) * 1e6);
    if (due < d->last_due) due = d->last_due;
    d->last_due = due;
    return due;
}

static void take_packets(struct direction *d) {
    for (int i = 0; i < PACKETS_PER_READ; i++) {
        struct packet spare, *slot = d->tail - d->head < PACKETS_MAX ? &d->ring[d->tail % PACKETS_MAX] : &spare;
        ssize_t n = read(d->from, slot->bytes, MTU);
        if (n <= 0) return;
        d->packets++;
        d->bytes += (uint64_t)n;
        if (random_unit() * 100 < shape.loss_percent) {
            d->lost++;
            continue;
        }
        slot->length = (unsigned)n;
        slot->due = due_of(d, slot->length, now_ns());
        if (slot == &spare || !slot->due) {
            d->overflowed++;
            continue;
        }
        d->tail++;
        if (d->tail - d->head > d->waiting_max) d->waiting_max = d->tail - d->head;
    }
}

static void deliver_due(struct direction *d) {
    for (uint64_t now = now_ns(); d->head != d->tail; d->head++) {
        struct packet *p = &d->ring[d->head % PACKETS_MAX];
        if (p->due > now) return;
        if (write(d->to, p->bytes, p->length) < 0) d->undelivered++;
    }
}

static uint64_t first_due(const struct direction *d) { return d->head == d->tail ? UINT64_MAX : d->ring[d->head % PACKETS_MAX].due; }

static void carry(struct direction directions[2]) {
    struct pollfd ready[2] = {{directions[0].from, POLLIN, 0}, {directions[1].from, POLLIN, 0}};
    while (!is_ending) {
        uint64_t a = first_due(&directions[0]), b = first_due(&directions[1]), next = a < b ? a : b, now = now_ns();
        uint64_t wait = next == UINT64_MAX ? NS_PER_S : next > now ? next - now : 0;
        struct timespec limit = {(time_t)(wait / NS_PER_S), (long)(wait % NS_PER_S)};
        if (ppoll(ready, 2, &limit, NULL) < 0 && errno != EINTR) die("poll: %s", strerror(errno));
        for (int i = 0; i < 2; i++) {
            if (ready[i].revents & POLLIN) take_packets(&directions[i]);
            deliver_due(&directions[i]);
        }
    }
}

/* Packets that the device itself dropped because we read too late: without them the loss would look smaller than it was. */
static uint64_t device_drops(int space) {
    char line[512];
    uint64_t drops = 0;
    if (setns(space, CLONE_NEWNET)) return 0;
    FILE *f = fopen("/proc/thread-self/net/dev", "r");
    while (f && fgets(line, sizeof line, f)) {
        char *at = strstr(line, DEVICE ":");
        if (at) sscanf(at + sizeof DEVICE, "%*u %*u %*u %*u %*u %*u %*u %*u %*u %*u %*u %" SCNu64, &drops);
    }
    if (f) fclose(f);
    return drops;
}

static void print_direction(const char *name, const struct direction *d, int space) {
    printf("%s\"%s\":{\"packets\":%" PRIu64 ",\"bytes\":%" PRIu64 ",\"lost\":%" PRIu64 ",\"overflowed\":%" PRIu64 ",\"undelivered\":%" PRIu64
           ",\"deviceDrops\":%" PRIu64 ",\"waitingMax\":%u}",
           *name == 'n' ? "{" : ",", name, d->packets, d->bytes, d->lost, d->overflowed, d->undelivered, device_drops(space), d->waiting_max);
}

enum { O_DELAY = 1, O_JITTER, O_LOSS, O_RATE, O_QUEUE, O_CONGESTION };
static const struct option OPTIONS[] = {
    {"delay-ms", 1, 0, O_DELAY},  {"jitter-ms", 1, 0, O_JITTER}, {"loss-percent", 1, 0, O_LOSS},
    {"rate-mbit", 1, 0, O_RATE},  {"queue-kb", 1, 0, O_QUEUE},   {"congestion", 1, 0, O_CONGESTION},
    {0},
};

static void read_shape(int argc, char **argv) {
    for (int o; (o = getopt_long(argc, argv, "", OPTIONS, NULL)) != -1;) switch (o) {
        case O_DELAY: shape.delay_ms = atof(optarg); break;
        case O_JITTER: shape.jitter_ms = atof(optarg); break;
        case O_LOSS: shape.loss_percent = atof(optarg); break;
        case O_RATE: shape.rate_mbit = atof(optarg); break;
        case O_QUEUE: shape.queue_bytes = strtoull(optarg, NULL, 10) * 1000; break;
        case O_CONGESTION: shape.congestion = optarg; break;
        default: die("an option is wrong");
        }
    if (shape.delay_ms < 0 || shape.jitter_ms < 0 || shape.loss_percent < 0 || shape.loss_percent > 50 || shape.rate_mbit < 0)
        die("a number is out of range");
}

int run_link(int argc, char **argv) {
    static struct direction directions[2];
    read_shape(argc, argv);
    end_with_parent();
    /* What it carries is slow by plan, not because those who use it keep it from running. */
    setpriority(PRIO_PROCESS, 0, NICE);
    int near_tun, far_tun, near = open_side("198.18.0.1", "198.18.0.2", &near_tun), far = open_side("198.18.0.2", "198.18.0.1", &far_tun);
    for (int i = 0; i < 2; i++) {
        directions[i].from = i ? far_tun : near_tun;
        directions[i].to = i ? near_tun : far_tun;
        /* Touched only as far as packets wait. */
        directions[i].ring = calloc(PACKETS_MAX, sizeof(struct packet));
        if (!directions[i].ring) die("the link is out of memory");
    }
    struct sigaction ending = {.sa_handler = end_soon};
    sigaction(SIGTERM, &ending, NULL);
    sigaction(SIGINT, &ending, NULL);
    printf("{\"pid\":%d,\"near\":%d,\"far\":%d}\n", getpid(), near, far);
    fflush(stdout);
    carry(directions);
    print_direction("nearToFar", &directions[0], near);
    print_direction("farToNear", &directions[1], far);
    printf("}\n");
    return 0;
}
